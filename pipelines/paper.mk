# All that the paper's poster shows (Mills et al., CIKM 2021), again, next to what was published:
#   make -j2 -f pipelines/paper.mk REFERENCE=../shared/reference
# By shipped profiles; REFERENCE holds published.json, without which its columns are missing. Each
# part can be made alone, and goes on where it was interrupted:
#   response   the response figures: response-SPACE.png, response-ofa-mbv3.tsv
#   effects    by unit, depth, width and resolution: effects-SPACE-KEY.png
#   claims     the poster's sentences as measured statements: claims.txt
#   fronts     Figure 8: fronts/summary.txt, fronts/DEVICE/front.png, by thesis.mk
#   table      Table 2: table2.txt

OUT ?= out/paper
REFERENCE ?= ../shared/reference
# The published predictors themselves instead of the shipped profiles, which are fitted to them:
# PREDICTORS=$(REFERENCE)/autobuild. Slower, and without the profiles' error.
PREDICTORS ?=
# Networks for each resolution of a response; bases of effects and claims; networks of correlations.
RESPONSE ?= 10000
BASES ?= 500
NETWORKS ?= 5000
# Searches, and the random spaces that each insight is compared with: with 20 it takes an hour, with
# none four minutes. SEARCH: more variables of search.mk, as INIT=20 BUDGET=20.
SEEDS ?= 1 2 3 4 5
RANDOM ?= 0
SEARCH ?=

here := $(dir $(lastword $(MAKEFILE_LIST)))
SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -ec
.DELETE_ON_ERROR:
stage = $(1) >$@.part && mv $@.part $@
comma = ,
published = $(wildcard $(REFERENCE)/published.json)

SPACES = ofa-mbv3 proxylessnas resnet50
PARTS = response effects claims fronts table
all: $(PARTS)

# ---- spaces at the paper's resolutions, and all metrics of their networks ----

resolutions-ofa-mbv3 = -r 192 -r 208 -r 224
resolutions-proxylessnas = -r 192 -r 208 -r 224
resolutions-resnet50 = -r 192 -r 224

# $(1): space, $(2): device, $(3): class
predictor = $(PREDICTORS)/$(if $(filter proxylessnas,$(1)),ofa_pn,ofa_mbv3)-$(2).pt
by = $(if $(PREDICTORS),--predictor $(call predictor,$(1),$(3)),--profile $(2)-$(1))
devices = ds-measure-gpu -q $(call by,$(1),rtx2080ti,gpu) --as latency.rtx2080ti | \
	ds-measure-cpu -q $(call by,$(1),amd2990wx,cpu) --as latency.amd2990wx | \
	ds-measure-npu -q $(call by,$(1),kirin9000,npu) --as latency.kirin9000
measure-ofa-mbv3 = ds-measure-acc -q $(call by,ofa-mbv3,top1,acc) | ds-measure-cost -q | \
	$(call devices,ofa-mbv3) | ds-measure-cpu -q --profile note10 --as latency.note10
measure-proxylessnas = ds-measure-acc -q $(call by,proxylessnas,top1,acc) | ds-measure-cost -q | \
	$(call devices,proxylessnas)
measure-resnet50 = ds-measure-acc -q --profile acc-resnet50 | ds-measure-cost -q

latencies-ofa-mbv3 = rtx2080ti amd2990wx kirin9000 note10
latencies-proxylessnas = rtx2080ti amd2990wx kirin9000
latencies-resnet50 =
metrics = -m top1 -m macs $(latencies-$(1):%=-m latency.%)

$(OUT):
	@mkdir -p $@

$(OUT)/%.json: | $(OUT)/settings
	@$(call stage,ds-prune $(word 1,$(subst @, ,$*)) $(if $(findstring @,$*),-r $(word 2,$(subst @, ,$*)),$(resolutions-$*)) --name $(subst @,-r,$*))

# ---- the response figures ----

response: $(SPACES:%=$(OUT)/response-%.png)

# $(1): options of ds-affix
respond = ds-sample -q $< -n $$((3 * $(RESPONSE))) | ds-affix -q --all --one-place $(1) | $(measure-$*) | \
	ds-aggregate -q --by expand$(comma)kernel$(comma)resolution

$(OUT)/response-%.dss: $(OUT)/%.json
	@echo "  $@" >&2
	@$(call stage,$(call respond))

$(OUT)/response-%-paper.dss: $(OUT)/%.json
	@echo "  $@" >&2
	@$(call stage,$(call respond,--paper))

$(OUT)/response-ofa-mbv3.tsv: $(OUT)/response-ofa-mbv3-paper.dss $(OUT)/response-ofa-mbv3.dss $(published)
	@$(call stage,$(here)paper-figure.py <(ds-show -t $<) <(ds-show -t $(word 2,$^)) $(published))

$(OUT)/response-proxylessnas.tsv: $(OUT)/response-proxylessnas.dss
	@$(call stage,$(here)paper-figure.py <(ds-show -t $<))

$(OUT)/response-%.png: $(OUT)/response-%.tsv
	@$(here)paper-picture.py $< $@

$(OUT)/response-resnet50.png: $(OUT)/response-resnet50.dss
	@ds-plot heatmap $(call metrics,resnet50) -o $@ $<

# ---- effects by unit, depth, width and resolution ----

effects: $(foreach s,$(SPACES),$(foreach k,block depth resolution,$(OUT)/effects-$(s)-$(k).png)) \
	$(OUT)/effects-resnet50-width.png

$(OUT)/evidence-%.dss: $(OUT)/%.json
	@echo "  $@" >&2
	@$(call stage,ds-sample -q $< -n $(BASES) | ds-affix -q --all --all-depths --all-widths \
	--all-resolutions | $(measure-$*))

keys-block = unit,block
keys-depth = unit,depth
keys-width = unit,width
keys-resolution = resolution
define effects_by
$(OUT)/effects-%-$(1).dss: $(OUT)/evidence-%.dss
	@$$(call stage,ds-aggregate -q --effect --against base --by $$(keys-$(1)) $$<)

$(OUT)/effects-%-$(1).png: $(OUT)/effects-%-$(1).dss
	@ds-plot heatmap $$(call metrics,$$*) --title "$$*: effect of $(1)" -o $$@ $$<
endef
$(foreach k,block depth width resolution,$(eval $(call effects_by,$(k))))

# ---- what the poster says in words ----

claims: $(OUT)/claims.txt
	@cat $<

# $(1): space; at 224
at224 = $(OUT)/networks-$(1).dss $(OUT)/kernel-$(1).dss $(OUT)/expand-$(1).dss \
	$(OUT)/blocks-$(1).dss $(OUT)/resolutions-$(1).dss

$(OUT)/networks-%.dss: $(OUT)/%@224.json
	@echo "  $@" >&2
	@$(call stage,ds-sample -q $< -n $(NETWORKS) | $(measure-$*))

$(OUT)/affixed-%.dss: $(OUT)/%@224.json
	@echo "  $@" >&2
	@$(call stage,ds-sample -q $< -n $(BASES) | ds-affix -q --all | $(measure-$*))

$(OUT)/kernel-%.dss: $(OUT)/affixed-%.dss
	@$(call stage,ds-aggregate -q --effect --against base --by kernel $<)

$(OUT)/expand-%.dss: $(OUT)/affixed-%.dss
	@$(call stage,ds-aggregate -q --effect --against base --by expand $<)

$(OUT)/blocks-%.dss: $(OUT)/affixed-%.dss
	@$(call stage,ds-aggregate -q --by expand$(comma)kernel $<)

$(OUT)/resolutions-%.dss: $(OUT)/%.json
	@echo "  $@" >&2
	@$(call stage,ds-sample -q $< -n $(NETWORKS) | ds-affix -q --all-resolutions | $(measure-$*))

$(OUT)/claims.txt: $(call at224,ofa-mbv3) $(call at224,proxylessnas)
	@$(call stage,for s in ofa-mbv3 proxylessnas; do $(here)paper-claims $(OUT) $$s; done)

# ---- Figure 8 ----

fronts: $(OUT)/fronts/summary.txt
	@cat $<

FRONTS = kirin9000-ofa-mbv3 rtx2080ti-ofa-mbv3 amd2990wx-ofa-mbv3 note10 \
	kirin9000-proxylessnas rtx2080ti-proxylessnas amd2990wx-proxylessnas

$(OUT)/fronts/summary.txt: always
	@$(MAKE) --no-print-directory -s -f $(here)thesis.mk OUT=$(OUT)/fronts DEVICES='$(FRONTS)' \
	SEEDS='$(SEEDS)' RANDOM=$(RANDOM) PREDICTORS=$(PREDICTORS) \
	OTHER_ACCURACY=$(lastword $(call by,ofa-mbv3,top1,acc)) $(SEARCH) >/dev/null

# ---- Table 2: searches for the highest accuracy ----

table: $(OUT)/table2.txt
	@cat $<

# By Once-for-All's predictor of ResNet50, which has a ceiling that every search reaches: so MACs are
# bounded, to what both spaces can keep to.
RESNET50_MACS ?= 3200

keep = --keep 'expand==6 || expand==4 && kernel>3'
insight-ofa-mbv3 = $(keep)
insight-proxylessnas = $(keep)
insight-resnet50 = --drop 'unit==2 && depth<6' --drop 'unit==3 && depth<4' \
	--drop 'unit==2 && width<1024' --drop 'unit==3 && width<2048'
bound-resnet50 = CONSTRAINT=macs=$(RESNET50_MACS)
accuracy-ofa-mbv3 = $(call by,ofa-mbv3,top1,acc)
accuracy-proxylessnas = $(call by,proxylessnas,top1,acc)
accuracy-resnet50 = --profile acc-resnet50

$(SPACES:%=search-%): search-%: always | $(OUT)
	@$(MAKE) --no-print-directory -s -f $(here)compare.mk OUT=$(OUT)/table/$* SPACE=$* \
	KIND=accuracy BETTER=top1 WORSE=macs SEEDS='$(SEEDS)' RANDOM=$(RANDOM) $(bound-$*) \
	EVALUATE='ds-measure-acc -q $(accuracy-$*) | ds-measure-cost -q' \
	PRUNE=$(call quote,$(insight-$*)) $(SEARCH) >/dev/null

$(OUT)/table2.txt: $(SPACES:%=search-%)
	@$(call stage,$(here)paper-table $(OUT)/table $(published))

.PHONY: all $(PARTS) $(SPACES:%=search-%)
.SECONDARY:

name = paper
variables = OUT REFERENCE PREDICTORS RESPONSE BASES NETWORKS SEEDS RANDOM LIKE SEARCH RESNET50_MACS
settings = PREDICTORS=$(PREDICTORS) RESPONSE=$(RESPONSE) BASES=$(BASES) NETWORKS=$(NETWORKS)
include $(here)settings.mk
