# Searches a design space by random mutation, as Mills et al. (CIKM 2021): for the Pareto front of
# accuracy and cost, or for the highest accuracy. One file an iteration:
#   make -f pipelines/search.mk SPACE=ofa-mbv3 DEVICE=onednn SEEDS='1 2 3' OUT=out/search
#   make -f pipelines/search.mk KIND=accuracy CONSTRAINT=latency.cpu=20 ...
# An interrupted run, however it ended, goes on with the first iteration that has no file, to the
# same result; more ITERATIONS or SEEDS go on from what is there.
#
#   OUT/SEED/00.dss   INIT random architectures, evaluated
#   OUT/SEED/NN.dss   BUDGET children of the best so far, evaluated
#   OUT/SEED/best.dss the front of all, or the TOP most accurate

SPACE ?= ofa-mbv3
SEEDS ?= 1
KIND ?= pareto
OUT ?= out/search

# The budgets of the paper.
INIT ?= $(if $(filter pareto,$(KIND)),100,20)
ITERATIONS ?= $(if $(filter pareto,$(KIND)),10,4)
BUDGET ?= $(if $(filter pareto,$(KIND)),200,50)
TOP ?= 10

# Bounds on metrics, as latency.cpu=20; where nothing keeps them yet, what comes nearest has
# children. MUTATE: more options for ds-mutate, as --crossover 0.2.
CONSTRAINT ?=
MUTATE ?=

here := $(dir $(lastword $(MAKEFILE_LIST)))
include $(here)evaluate.mk

SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -c
.DELETE_ON_ERROR:

objectives = $(BETTER:%=--better %) $(WORSE:%=--worse %)
bounds = $(CONSTRAINT:%=--max %) $(if $(CONSTRAINT),--nearest)
ifeq ($(KIND),pareto)
select = ds-pareto -q $(objectives) $(bounds)
else ifeq ($(KIND),accuracy)
select = ds-pareto -q $(BETTER:%=--better %) --top $(TOP) $(bounds)
else
$(error KIND is pareto or accuracy, not '$(KIND)')
endif

iterations := $(shell seq -f %02.0f 0 $(ITERATIONS))
runs = $(SEEDS:%=$(OUT)/%)

search: $(runs:%=%/best.dss)

# Stages write under a name of their own and rename: a killed run's half file is never taken for a
# whole one, and an orphan of it cannot write into ours.
stage = rm -f $@.part.*; $(1) >$@.part.$$$$ && \
	if cmp -s $@.part.$$$$ $@; then rm $@.part.$$$$; else mv $@.part.$$$$ $@; fi

# What must not change between a run and its continuation.
settings = SPACE=$(SPACE) KIND=$(KIND) INIT=$(INIT) BUDGET=$(BUDGET) TOP=$(TOP) \
	CONSTRAINT=$(CONSTRAINT) MUTATE=$(MUTATE) EVALUATE=$(EVALUATE) $(objectives)
# $(1): run, $(2): its seed, $(3): iteration, $(4): those before it
define iteration
$(1)/$(3).dss: $(4:%=$(1)/%.dss) | $(OUT)/settings
	@mkdir -p $$(@D)
	@echo "  $$@" >&2
	@$$(call stage,$(if $(4),\
	$$(select) $(4:%=$(1)/%.dss) | ds-mutate -q $$(SPACE) -n $$(BUDGET) --seed $(2) \
	--exhaust --first $$$$(($(words $(4)) * $$(BUDGET))) $(4:%=--seen $(1)/%.dss) $$(MUTATE),\
	ds-sample -q $$(SPACE) -n $$(INIT) --unique --seed $(2)) | $$(EVALUATE))
endef

# Those before an iteration, by number.
before = $(wordlist 1,$(shell echo $$((10#$(1)))),$(iterations))

$(foreach s,$(SEEDS),$(foreach i,$(iterations),\
	$(eval $(call iteration,$(OUT)/$(s),$(s),$(i),$(call before,$(i))))))

# Made anew whenever asked for, since other ITERATIONS have another best; left alone if the same.
define best
$(1)/best.dss: $(iterations:%=$(1)/%.dss) always
	@$$(call stage,$$(select) $$(filter %.dss,$$^))
endef
$(foreach r,$(runs),$(eval $(call best,$(r))))

.PHONY: search
.SECONDARY:

name = search
variables = SPACE SEEDS KIND OUT INIT ITERATIONS BUDGET TOP CONSTRAINT MUTATE $(evaluate_variables)
include $(here)settings.mk
