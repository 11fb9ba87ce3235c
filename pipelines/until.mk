# Measures more and more bases until each of ds-prune's decisions is settled, or further bases would
# hardly settle it; what is settled is measured no further:
#   make -f pipelines/until.mk DEVICE=onednn OUT=out/until
# FIRST bases, then twice as many, and so on: LOOKS times at most. All cuts at all looks are right
# together with 95% confidence (PRUNE='--confidence P' for another): man ds-prune, "Looking again".
# An interrupted run goes on with the first look that has no file.
#
#   OUT/original.json  SPACE at RESOLUTION
#   OUT/K.dss          what was measured for look K: everything affixed, then what was open
#   OUT/K.json         the space that look K left; K.txt: the fate of every choice; K.open: what is
#                      still to be measured, as options of ds-affix
#   OUT/space.json     what is left in the end; settled.txt its fates, log.txt how much was settled
#
# PRUNE: more options of ds-prune, as --by-layer. DEVICE and so on: evaluate.mk.

SPACE ?= ofa-mbv3
NAME ?= $(patsubst %.json,%,$(notdir $(SPACE)))
RESOLUTION ?= 224
FIRST ?= 10
LOOKS ?= 6
SEED ?= 1
PRUNE ?=
OUT ?= out/until

here := $(dir $(lastword $(MAKEFILE_LIST)))
include $(here)evaluate.mk

SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -c
.DELETE_ON_ERROR:

objectives = $(BETTER:%=--better %) $(WORSE:%=--worse %)
stage = $(1) >$@.part && mv $@.part $@
looks := $(shell seq $(LOOKS))
most := $(shell echo $$(($(FIRST) << ($(LOOKS) - 1))))

until: $(OUT)/space.json $(OUT)/settled.txt $(OUT)/log.txt
	@cat $(OUT)/log.txt

$(OUT)/original.json: | $(OUT)/settings
	@$(call stage,ds-prune $(SPACE) --resolution $(RESOLUTION) --name $(NAME)-original)

# $(1): look, $(2): the one before it, $(3): bases that it adds. Where nothing was open, nothing is
# measured any more, and the look leaves what the one before it left.
define look
$(OUT)/$(1).dss: $(OUT)/original.json $(if $(2),$(OUT)/$(2).open)
	@$(if $(2),[ -s $(OUT)/$(2).open ] || { : >$$@; exit 0; };) echo "  $$@" >&2; \
	$$(call stage,ds-sample -q $(OUT)/original.json -n $(3) --seed $$$$(($(SEED) * 1000 + $(1))) | \
	ds-affix -q $(if $(2),$$$$(cat $(OUT)/$(2).open),--all --all-depths) --seed $(SEED) | $$(EVALUATE))

$(OUT)/$(1).json: $(OUT)/original.json $(if $(2),$(OUT)/$(2).json) $(foreach k,$(wordlist 1,$(1),$(looks)),$(OUT)/$(k).dss)
	@$(if $(2),[ -s $(OUT)/$(1).dss ] || { : >$(OUT)/$(1).open; : >$(OUT)/$(1).log; \
	cp $(OUT)/$(2).txt $(OUT)/$(1).txt; cp $(OUT)/$(2).json $$@; exit 0; };) \
	$$(call stage,ds-prune $(OUT)/original.json $(objectives) $(PRUNE) --looks $(LOOKS) \
	--most $(most) --settled $(OUT)/$(1).txt --open $(OUT)/$(1).open --name $(NAME)-until \
	$(if $(2),--earlier $(OUT)/$(2).json) $(foreach k,$(wordlist 1,$(1),$(looks)),$(OUT)/$(k).dss) \
	2>$(OUT)/$(1).log); status=$$$$?; cat $(OUT)/$(1).log >&2; exit $$$$status

$(OUT)/$(1).open $(OUT)/$(1).txt $(OUT)/$(1).log: $(OUT)/$(1).json ;
endef
$(foreach k,$(looks),$(eval $(call look,$(k),$(filter-out 0,$(shell echo $$(($(k) - 1)))),\
	$(shell echo $$(($(k) == 1 ? $(FIRST) : $(FIRST) << ($(k) - 2)))))))

$(OUT)/space.json: $(OUT)/$(LOOKS).json
	@cp $< $@.part && mv $@.part $@

$(OUT)/settled.txt: $(OUT)/$(LOOKS).txt
	@cp $< $@.part && mv $@.part $@

$(OUT)/log.txt: $(looks:%=$(OUT)/%.log)
	@$(call stage,cat $^)

.PHONY: until
.SECONDARY:

name = until
variables = SPACE NAME RESOLUTION FIRST LOOKS SEED PRUNE OUT $(evaluate_variables)
settings = SPACE=$(SPACE) RESOLUTION=$(RESOLUTION) FIRST=$(FIRST) LOOKS=$(LOOKS) SEED=$(SEED) \
	PRUNE=$(PRUNE) EVALUATE=$(EVALUATE) $(objectives)
include $(here)settings.mk
