# Is the front true? What a search predicted, measured live: the front of all that it evaluated, and
# as its rivals the front that would be there without it, together in random order:
#   make -f pipelines/verify.mk FROM=out/search DEVICE=./mine.json CLASS=cpu OUT=out/verify
# DEVICE, ACCURACY and so on are the search's (evaluate.mk), LIVE the command that measures:
#   LIVE='ds-measure-cpu -q --engine xnnpack'  LIVE='ds-measure-npu -q --exec ./runner'
#
#   OUT/front.dss    the front of all that was evaluated below FROM, by what was predicted
#   OUT/rivals.dss   the front of the rest
#   OUT/live.dss     both, with what was predicted and, as latency.live, what was measured
#   OUT/report.txt   inversions, rivals, hypervolume, gains within the error, biases: man ds-verify
#   OUT/front.tsv    the front, network by network

FROM ?= out/search
OUT ?= out/verify
SEED ?= 1

here := $(dir $(lastword $(MAKEFILE_LIST)))
include $(here)evaluate.mk
LIVE ?= ds-measure-$(CLASS) -q

SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -c
.DELETE_ON_ERROR:

evaluated := $(wildcard $(FROM)/*/[0-9]*.dss)
select = ds-pareto -q --better $(BETTER) --worse $(WORSE)
verify = ds-verify $(WORSE) latency.live --better $(BETTER)
stage = $(1) >$@.part && mv $@.part $@

verify: $(OUT)/report.txt $(OUT)/front.tsv
	@cat $<

$(OUT)/front.dss: | $(OUT)/settings
	@$(call stage,$(select) $(evaluated))

$(OUT)/rivals.dss: $(OUT)/front.dss
	@$(call stage,$(select) --without $< $(evaluated))

$(OUT)/live.dss: $(OUT)/front.dss $(OUT)/rivals.dss
	@echo "  $@" >&2; $(call stage,ds-cat --shuffle --seed $(SEED) $^ | $(LIVE) --as latency.live)

$(OUT)/report.txt: $(OUT)/live.dss
	@$(call stage,$(verify) $<)

$(OUT)/front.tsv: $(OUT)/live.dss
	@$(call stage,$(verify) --list $<)

.PHONY: verify
.SECONDARY:

name = verify
variables = FROM OUT SEED LIVE $(evaluate_variables)
settings = FROM=$(FROM) SEED=$(SEED) LIVE=$(LIVE) $(BETTER) $(WORSE)
include $(here)settings.mk

ifneq ($(words $(BETTER)) $(words $(WORSE)),1 1)
$(error a front of two metrics is verified, not of '$(BETTER) $(WORSE)')
endif
ifeq ($(evaluated),)
$(error there is no search in $(FROM): FROM is the OUT of search.mk)
endif
