# Number formats: which blocks change rank, how fast networks are, what accuracy is left.
#   make -f examples/dtypes/dtypes.mk OUT=out/dtypes
# README.md tells what came out. FORMATS may leave out what this processor has not. Interrupted, it
# goes on where it was; with other settings it wants another OUT.
#
#   OUT/baseK.dss    a random architecture, and every block at layer LAYER of every unit; their
#                    latency in each format, one format after another (base K begins with the K-th)
#   OUT/ranks.txt    latency and rank of every block in every unit, by format; pairs that change order
#   OUT/ranks.png    the picture of it; OUT/FORMAT.png: the effects on whole networks
#   OUT/speed.txt    NETWORKS of each of SPACES by format, alternating ROUNDS times
#   OUT/accuracy.txt the same of examples/fashion: top-1 by format, where its images are there

here := $(dir $(lastword $(MAKEFILE_LIST)))
OUT ?= out/dtypes
FORMATS ?= f32 bf16 int8
SPACE ?= ofa-mbv3
RESOLUTION ?= 224
LAYER ?= 1
N ?= 4
MEASURE ?= --max-runs 12
SPACES ?= ofa-mbv3 proxylessnas resnet50
NETWORKS ?= 4
ROUNDS ?= 3
IMAGES ?= /usr/share/datasets/fashion-mnist
TAKE ?= 5000
CALIBRATE ?= 500

SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -ec
.DELETE_ON_ERROR:
.SECONDARY:

stage = $(1) >$@.part && mv $@.part $@
comma = ,
images = $(wildcard $(IMAGES)/t10k-images-idx3-ubyte.gz)
results = $(addprefix $(OUT)/,ranks.txt speed.txt $(if $(images),accuracy.txt))

all: $(results) $(addprefix $(OUT)/,ranks.png $(FORMATS:=.png))
	@cat $(results)

# Measures $(2) in all formats, round $(1) beginning with the format of its number; the last of $(2)
# is the result. $(3): an option.
alternate = f=($(FORMATS)); for i in $${!f[@]}; do d=$${f[($(1) + i) % $${\#f[@]}]}; \
	ds-measure-cpu -q --dtype $$d --as latency.$$d $(3) $(MEASURE) $(2) >$(2).next; \
	mv $(2).next $(2); done

$(OUT)/space.json: | $(OUT)/settings
	$(call stage,ds-prune $(SPACE) --resolution $(RESOLUTION))

$(OUT)/places: $(OUT)/space.json
	python3 -c 'import json; s = json.load(open("$<")); print(*("-b %d,$(LAYER),%s" % (u, b["name"]) \
		for u in range(len(s["units"])) for b in s["blocks"]))' >$@

$(OUT)/base%.dss: $(OUT)/places
	ds-sample $(abspath $(OUT))/space.json -n 1 --seed $* | ds-affix -q $$(cat $<) >$@.part
	$(call alternate,$*,$@.part,--per-block)
	mv $@.part $@

$(OUT)/measured.dss: $(patsubst %,$(OUT)/base%.dss,$(shell seq $(N)))
	$(call stage,ds-cat $^)

$(OUT)/ranks.txt: $(OUT)/measured.dss
	ds-show --json $< | $(here)ranks --gnuplot $(OUT)/ranks.gp $(FORMATS) >$@

$(OUT)/ranks.png: $(OUT)/ranks.txt
	gnuplot $(OUT)/ranks.gp >$@

$(FORMATS:%=$(OUT)/%.png): $(OUT)/%.png: $(OUT)/measured.dss
	ds-aggregate --effect --by unit$(comma)block $< | \
		ds-plot heatmap --metric latency.$* --title '$(SPACE): $*' -o $@

$(OUT)/speed.json: | $(OUT)/settings
	for k in $$(seq $(ROUNDS)); do for s in $(SPACES); do at=$@.dss; \
		ds-sample $$s -n $(NETWORKS) >$$at; $(call alternate,k,$$at); \
		ds-show --json $$at | sed "s|^|$$(basename $$s .json) |"; done; done >$@.part
	mv $@.part $@ && rm $@.dss

$(OUT)/speed.txt: $(OUT)/speed.json
	$(here)speed $(FORMATS) <$< >$@

$(OUT)/accuracy.txt: $(here)../fashion/fashion.json $(here)../fashion/fashion.pth | $(OUT)/settings
	ds-sample ./$< -n 8 >$@.in
	for d in $(FORMATS); do ds-measure-acc -q --dtype $$d --supernet $(here)../fashion/fashion.pth \
		--calibrate $(IMAGES)/train-images-idx3-ubyte.gz --calibrate-images $(CALIBRATE) \
		--mean 0.286 --std 0.353 --images $(images) --take $(TAKE) $@.in | ds-show --json | \
		sed "s/^/$$d /"; done | $(here)accuracy $(FORMATS) >$@.part
	mv $@.part $@ && rm $@.in

.PHONY: all

name = dtypes
variables = OUT FORMATS SPACE RESOLUTION LAYER N MEASURE SPACES NETWORKS ROUNDS IMAGES TAKE CALIBRATE
settings = FORMATS=$(FORMATS) SPACE=$(SPACE) RESOLUTION=$(RESOLUTION) LAYER=$(LAYER) N=$(N) MEASURE=$(MEASURE) \
	SPACES=$(SPACES) NETWORKS=$(NETWORKS) ROUNDS=$(ROUNDS) TAKE=$(TAKE) CALIBRATE=$(CALIBRATE)
include $(here)../../pipelines/settings.mk
