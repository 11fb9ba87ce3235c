# The whole method with nothing predicted: accuracy and latency of a small space measured here.
#   make -f examples/fashion/fashion.mk OUT=out/fashion
# Everything but the training of the supernet (train.py); README.md tells what came out. It needs
# Debian's dataset-fashion-mnist, and for the last step ONNX Runtime (make onnxruntime).
#
#   OUT/evidence.dss         N random architectures with everything affixed, measured; effect.dss
#   OUT/accuracy.png, latency.png   the effect of every block in every unit
#   OUT/auto.json, auto.txt  the space pruned by evidence, and why
#   OUT/original, OUT/auto   searches of both, SEEDS of each; table.txt and front.png compare them
#   OUT/best.dss             the most accurate network found, measured on all test images
#   OUT/best/ID.onnx         its model; confirmed.txt: what ONNX Runtime says of it

here := $(dir $(lastword $(MAKEFILE_LIST)))
OUT ?= out/fashion
IMAGES ?= /usr/share/datasets/fashion-mnist
SEEDS ?= 1 2 3 4 5
N ?= 10
INIT ?= 20
ITERATIONS ?= 3
BUDGET ?= 20
# images of the test set that the searches see; training images that batch norm is calibrated on
TAKE ?= 1000
CALIBRATE ?= 256
MEASURE ?= --max-runs 200

SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -ec
.DELETE_ON_ERROR:

test = $(IMAGES)/t10k-images-idx3-ubyte.gz
supernet = --supernet $(here)fashion.pth --calibrate $(IMAGES)/train-images-idx3-ubyte.gz \
	--mean 0.286 --std 0.353
evaluate = ds-measure-acc -q $(supernet) --calibrate-images $(CALIBRATE) --images $(test) \
	--take $(TAKE) --cache $(OUT)/answers | ds-measure-cpu -q $(MEASURE)
stage = $(1) >$@.part && mv $@.part $@
comma = ,

all: $(addprefix $(OUT)/,accuracy.png latency.png confirmed.txt)
	@cat $(OUT)/auto.txt $(OUT)/table.txt $(OUT)/confirmed.txt

# Pruned by evidence, by the loss, which is sharper than top-1; searched; compared. The cache is
# there before two searches can make it.
$(OUT)/table.txt: $(here)fashion.json $(here)fashion.pth
	@mkdir -p $(OUT)/answers
	@$(MAKE) --no-print-directory -f $(here)../../pipelines/compare.mk OUT=$(OUT) \
		SPACE=$(here)fashion.json TITLE='Fashion-MNIST on this processor' \
		RESOLUTION=28 SEEDS='$(SEEDS)' N=$(N) INIT=$(INIT) ITERATIONS=$(ITERATIONS) \
		BUDGET=$(BUDGET) BETTER=top1 WORSE=latency.cpu EVALUATE='$(evaluate)' \
		AUTO='--worse loss --worse latency.cpu' COMPARE='$(COMPARE)'
	@touch $@

$(OUT)/effect.dss: $(OUT)/table.txt
	$(call stage,ds-aggregate --effect --against base --by unit$(comma)block $(OUT)/evidence.dss)

$(OUT)/accuracy.png: $(OUT)/effect.dss
	ds-plot heatmap --metric top1 --title "Fashion-MNIST: top-1" -o $@ $<

$(OUT)/latency.png: $(OUT)/effect.dss
	ds-plot heatmap --metric latency.cpu --title "Fashion-MNIST: latency" -o $@ $<

# The best that any search found, the fastest of those, on all test images and calibrated on 2,000.
$(OUT)/best.dss: $(OUT)/table.txt
	$(call stage,ds-pareto -q --better top1 --top 1 $(foreach s,$(SEEDS),\
		$(OUT)/original/$(s)/best.dss $(OUT)/auto/$(s)/best.dss) | \
		ds-pareto -q --worse latency.cpu --top 1 | ds-measure-acc -q --replace $(supernet) --images $(test))

$(OUT)/best/done: $(OUT)/best.dss
	rm -rf $(@D) && ds-export onnx $(supernet) -b 1000 -d $(@D) $< >/dev/null && touch $@

$(OUT)/confirmed.txt: $(OUT)/best/done
	$(call stage,$(here)confirm $(OUT)/best.dss $(OUT)/best/*.onnx $(test))

.PHONY: all

name = fashion
variables = OUT IMAGES SEEDS N INIT ITERATIONS BUDGET TAKE CALIBRATE MEASURE COMPARE
include $(here)../../pipelines/settings.mk
