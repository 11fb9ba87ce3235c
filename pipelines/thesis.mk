# The thesis of Mills et al. (CIKM 2021), device by device: does searching a space that was pruned
# for the device find better networks than searching the original, at equal budgets?
#   make -f pipelines/thesis.mk OUT=out/thesis
#   make -f pipelines/thesis.mk DEVICES='onednn xnnpack' N=20   (measured live: hours)
# compare.mk for every device: the paper's hand-made space (pruned), and one that was cut
# automatically (auto) by evidence from N architectures; with RANDOM=20, random spaces as large as
# each, too. OUT/summary.txt has a line for each. Devices ending in -proxylessnas are of that space.

DEVICES ?= note10 dpu rtx2080ti-b1 kirin9000-ofa-mbv3
OUT ?= out/thesis

# The paper's spaces, by the devices that they were made for.
npu = --drop 'kernel==7' --mutate-weight 0=0.5 --mutate-weight 1=0.5 --mutate-weight 2=0.5
gpu-blocks = --drop 'expand==3 && kernel!=5 || expand==4 && kernel==3'
gpu = $(gpu-blocks) --max-depth 1=3 --max-depth 3=3 --max-depth 4=3
cpu = --max-depth 0=3 --max-depth 1=3 --max-depth 2=3
prune-note10 = --drop 'kernel==7 && expand<6' --max-depth 0=3
prune-rtx2080ti-proxylessnas = $(gpu-blocks) --max-depth 0=3 --max-depth 1=3 --max-depth 2=3
prune-amd2990wx-proxylessnas = --max-depth 0=3 --max-depth 1=3
prune-xnnpack = $(npu)
# what has no rule of its own has that of its class
prune = $(or $(prune-$(1)),$($(call class,$(1))))
class = $(strip $(if $(filter rtx% opencl,$(1)),gpu,$(if $(filter dpu% kirin%,$(1)),npu,cpu)))

# The accuracy is by the paper's group where the device is. PREDICTORS, if given, is a folder of
# that group's predictors, which are then asked themselves, instead of the profiles fitted to them.
space = $(if $(filter %-proxylessnas,$(1)),proxylessnas,ofa-mbv3)
by_paper = $(filter %-ofa-mbv3 %-proxylessnas,$(1))
PREDICTORS ?=
predictor = $(PREDICTORS)/$(if $(filter %-proxylessnas,$(1)),ofa_pn,ofa_mbv3)-$(2).pt
device = $(if $(and $(PREDICTORS),$(by_paper)),$(call predictor,$(1),$(call class,$(1))),$(1))
accuracy = $(if $(by_paper),$(if $(PREDICTORS),$(call predictor,$(1),acc),top1-$(call space,$(1))),$(OTHER_ACCURACY))
OTHER_ACCURACY ?= acc-ofa-mbv3

here := $(dir $(lastword $(MAKEFILE_LIST)))
SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -c

thesis: $(OUT)/summary.txt
	@cat $<

$(DEVICES:%=device-%): device-%:
	@echo "$*" >&2
	@$(MAKE) --no-print-directory -s -f $(here)compare.mk OUT=$(OUT)/$* \
	DEVICE=$(call device,$*) CLASS=$(call class,$*) TITLE='$(call space,$*) on $*' \
	SPACE=$(call space,$*) ACCURACY=$(call accuracy,$*) PRUNE=$(call quote,$(call prune,$*)) \
	AUTO='--better top1 --worse latency.$(call class,$*)' >/dev/null

$(OUT)/summary.txt: $(DEVICES:%=device-%)
	@for d in $(DEVICES); do $(here)summary $$d $(OUT)/$$d/table.tsv; done >$@

.PHONY: thesis $(DEVICES:%=device-%)

name = thesis
variables = DEVICES OUT RESOLUTION SEEDS KIND N RANDOM COMPARE INIT ITERATIONS BUDGET TOP MUTATE \
	OTHER_ACCURACY PREDICTORS LIKE
include $(here)settings.mk
