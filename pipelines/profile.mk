# Profiles a design space on this machine's CPU or GPU, one file a stage:
#   make -f pipelines/profile.mk SPACE=ofa-mbv3 N=20 SEED=1 ENGINE=onednn OUT=out/profile
# ENGINE: onednn or xnnpack on the CPU, opencl on the GPU (the first, or GPU=number or name of one
# that ds-measure-gpu --list-devices lists).
# An interrupted run goes on with the first stage that has no file; with other settings it is
# refused (OUT/settings).
#
#   sample.dss    N random architectures
#   affix.dss     with every block affixed at every location
#   cost.dss      with MACs, parameters and memory
#   cpu.dss       with the latency measured live (opencl: gpu.dss)
#   response.dss  means by expansion and kernel; effect.dss, by unit and block, differences from all
#                 that was affixed at the same places (ds-aggregate --against siblings)
#   response.svg, response.png, effect.svg, effect.png   as heat maps

SPACE ?= ofa-mbv3
N ?= 20
SEED ?= 1
ENGINE ?= onednn
OUT ?= out/profile
MEASURE ?=
GPU ?=
CLASS = $(if $(filter opencl,$(ENGINE)),gpu,cpu)
TOOL = ds-measure-$(CLASS) $(if $(filter gpu,$(CLASS)),$(if $(GPU),--device "$(GPU)"),--engine $(ENGINE))
METRICS ?= --metric latency.$(CLASS) --metric macs

# A stage writes beside its file and moves it in place when done.
SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -ec
.DELETE_ON_ERROR:
stage = $(1) > $@.part && mv $@.part $@

all: $(addprefix $(OUT)/,response.svg response.png effect.svg effect.png)

show: all
	@ds-plot heatmap $(METRICS) $(OUT)/response.dss
	@echo
	@echo "Pictures: $(OUT)/response.svg $(OUT)/response.png $(OUT)/effect.svg $(OUT)/effect.png"

$(OUT)/sample.dss: | $(OUT)/settings
	$(call stage,ds-sample $(SPACE) -n $(N) --seed $(SEED))

$(OUT)/affix.dss: $(OUT)/sample.dss
	$(call stage,ds-affix --all --seed $(SEED) $<)

$(OUT)/cost.dss: $(OUT)/affix.dss
	$(call stage,ds-measure-cost -q $<)

$(OUT)/$(CLASS).dss: $(OUT)/cost.dss
	$(call stage,$(TOOL) --seed $(SEED) $(MEASURE) $<)

$(OUT)/response.dss: $(OUT)/$(CLASS).dss
	$(call stage,ds-aggregate --by expand$(comma)kernel $<)

$(OUT)/effect.dss: $(OUT)/$(CLASS).dss
	$(call stage,ds-aggregate --effect --against siblings --by unit$(comma)block $<)

$(OUT)/%.svg: $(OUT)/%.dss
	ds-plot heatmap $(METRICS) --title "$(SPACE)" -o $@ $<

$(OUT)/%.png: $(OUT)/%.dss
	ds-plot heatmap $(METRICS) --title "$(SPACE)" -o $@ $<

comma = ,
.PHONY: all show
.SECONDARY:

name = profile
variables = SPACE N SEED ENGINE OUT MEASURE GPU METRICS
settings = SPACE=$(SPACE) N=$(N) SEED=$(SEED) MEASURE=$(strip $(TOOL) $(MEASURE)) METRICS=$(METRICS)
include $(dir $(lastword $(MAKEFILE_LIST)))settings.mk
