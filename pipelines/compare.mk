# Compares searches of pruned spaces with searches of the original, at equal budgets:
#   make -f pipelines/compare.mk DEVICE=onednn PRUNE="--drop 'kernel==7'" OUT=out/compare
# PRUNE is a hand-made space in words of ds-prune; AUTO, if not empty, a space pruned by evidence,
# measured on N random architectures; give either or both.
#
#   OUT/original.json   SPACE at RESOLUTION
#   OUT/pruned.json     by PRUNE
#   OUT/auto.json       by evidence: AUTO options of ds-prune, as --better top1; auto.txt: why
#   OUT/evidence.dss    original architectures with everything affixed, evaluated
#   OUT/GROUP/SEED/     the searches, as search.mk leaves them
#   OUT/pruned~K.json   RANDOM=R: random spaces of the same size, K from 1 to R, searched too; so for
#                       auto, or for LIKE alone: do the reasons help, or does any smaller space?
#   OUT/table.txt, .tsv hypervolume, gain at equal cost, best: mean, deviation, significance, and the
#                       rank among the random spaces
#   OUT/front.svg, .png both fronts and the spread of the seeds (Pareto searches)
#
# All variables of search.mk can be given too: KIND, DEVICE, INIT, ITERATIONS, BUDGET, ...

SPACE ?= ofa-mbv3
NAME ?= $(patsubst %.json,%,$(notdir $(SPACE)))
RESOLUTION ?= 224
SEEDS ?= 1 2 3 4 5
OUT ?= out/compare
KIND ?= pareto
PRUNE ?=
AUTO ?=
N ?= 100
RANDOM ?= 0
LIKE ?= $(insights)
TITLE ?= $(SPACE) on $(DEVICE)
# More options for ds-compare, as --reference top1=76,latency.npu=12
COMPARE ?=

here := $(dir $(lastword $(MAKEFILE_LIST)))
include $(here)evaluate.mk

SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -c
.DELETE_ON_ERROR:

insights := $(if $(strip $(PRUNE)),pruned) $(if $(strip $(AUTO)),auto)
ifeq ($(strip $(insights)),)
$(error nothing to compare with: give PRUNE or AUTO)
endif
controls_of = $(addprefix $(1)~,$(shell seq $(RANDOM)))
controls := $(foreach g,$(LIKE),$(call controls_of,$(g)))
shown := original $(insights)
groups := $(shown) $(controls)

objectives = $(BETTER:%=--better %) $(if $(filter pareto,$(KIND)),$(WORSE:%=--worse %))
fronts = $(foreach g,$(groups),$(SEEDS:%=$(OUT)/$(g)/%/best.dss))
labelled = $(foreach g,$(1),$(SEEDS:%=$(g)=$(OUT)/$(g)/%/best.dss))
stage = $(1) >$@.part && mv $@.part $@

compare: $(OUT)/table.txt $(OUT)/table.tsv $(if $(filter pareto,$(KIND)),$(OUT)/front.svg $(OUT)/front.png)
	@cat $<

# Settings that the files below were made with; others are refused, as search.mk does.
settings = SPACE=$(SPACE) RESOLUTION=$(RESOLUTION) PRUNE=$(PRUNE) AUTO=$(AUTO) N=$(N) \
	EVALUATE=$(EVALUATE)
$(OUT)/original.json: | $(OUT)/settings
	@$(call stage,ds-prune $(SPACE) --resolution $(RESOLUTION) --name $(NAME)-original)

$(OUT)/pruned.json: $(OUT)/original.json
	@$(call stage,ds-prune $< $(PRUNE) --name $(NAME)-pruned --explain)

$(OUT)/evidence.dss: $(OUT)/original.json
	@echo "  $@" >&2
	@$(call stage,ds-sample -q $< -n $(N) --seed 0 | ds-affix -q --all --all-depths --seed 0 | \
	$(EVALUATE))

$(OUT)/auto.json: $(OUT)/original.json $(OUT)/evidence.dss
	@$(call stage,ds-prune $^ $(AUTO) --name $(NAME)-auto --explain 2>$(OUT)/auto.txt); \
	status=$$?; cat $(OUT)/auto.txt >&2; exit $$status

define control
$(OUT)/$(1)~$(2).json: $(OUT)/$(1).json
	@$$(call stage,ds-prune $(OUT)/original.json --like $$< --seed $(2) --name $(NAME)-$(1)~$(2))
endef
$(foreach g,$(LIKE),$(foreach k,$(shell seq $(RANDOM)),$(eval $(call control,$(g),$(k)))))

# The searches keep what they have; search.mk decides what is to be done.
$(groups:%=search-%): search-%: $(OUT)/%.json always
	@$(MAKE) --no-print-directory -s -f $(here)search.mk SPACE=$< OUT=$(OUT)/$* \
	SEEDS='$(SEEDS)' KIND=$(KIND)

$(fronts): $(groups:%=search-%) ;

$(OUT)/table.txt: $(fronts)
	@$(call stage,ds-compare $(objectives) $(COMPARE) $(call labelled,$(groups)))

$(OUT)/table.tsv: $(fronts)
	@$(call stage,ds-compare --tsv $(objectives) $(COMPARE) $(call labelled,$(groups)))

$(OUT)/front.svg $(OUT)/front.png: $(fronts)
	@ds-plot front $(objectives) --title $(call quote,$(TITLE)) -o $@ $(call labelled,$(shown))

.PHONY: compare $(groups:%=search-%)
.SECONDARY:

name = compare
variables = SPACE NAME RESOLUTION SEEDS OUT KIND PRUNE AUTO N RANDOM LIKE TITLE COMPARE INIT \
	ITERATIONS BUDGET TOP CONSTRAINT MUTATE $(evaluate_variables)
include $(here)settings.mk
