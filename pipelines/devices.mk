# Makes the shipped device profiles anew from data by others, which is not part of dstools:
#   make -f pipelines/devices.mk REFERENCE=../shared/reference
# Each says in itself what it was made of, by which commands, and how well it predicts.

REFERENCE ?= ../shared/reference
D = schemas/devices
OUT ?= out/devices
N ?= 300000

SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -ec
.DELETE_ON_ERROR:

# the paper's own devices, each for both spaces
PAPER = $(foreach d,top1 rtx2080ti amd2990wx kirin9000,$d-ofa-mbv3 $d-proxylessnas)
PROFILES = acc-ofa-mbv3 acc-resnet50 top1-ofa-mbv3-w1.0 note10 pixel1 i7-8700k rtx2080ti-b1 \
	rtx2080ti-b64 dpu $(PAPER)
all: $(PROFILES:%=$(D)/%.json) schemas/npus/dpu-b2304.json

$(D) $(OUT):
	mkdir -p $@

# ---- accuracy: the answers of Once-for-All's own predictors ----

ACC = Fitted to the answers of Once-for-All's accuracy predictor for random architectures. The error is against the predictor, which itself errs against trained networks, and predicts accuracy on images held out of the training set, which is higher than on the validation set.

$(OUT)/ofa-mbv3.dss: | $(OUT)
	ds-sample ofa-mbv3 -n $(N) --seed 2021 | \
		ds-measure-acc --predictor $(REFERENCE)/ofa_mbv3_acc_predictor.pth -o $@

$(OUT)/resnet50.dss: | $(OUT)
	ds-sample resnet50 -n $(N) --seed 2021 | \
		ds-measure-acc --predictor $(REFERENCE)/ofa_resnet50_acc_predictor.pth -o $@

$(D)/acc-ofa-mbv3.json: $(OUT)/ofa-mbv3.dss | $(D)
	ds-fit top1 --family neural --name acc-ofa-mbv3 --device "ImageNet top-1 of Once-for-All's OFA-MBv3, w1.2" \
		--description "$(ACC)" -o $@ $<

$(D)/acc-resnet50.json: $(OUT)/resnet50.dss | $(D)
	ds-fit top1 --family neural --name acc-resnet50 --device "ImageNet top-1 of Once-for-All's OFA-ResNet50" \
		--description "$(ACC) The predictor gives 82.987 at most, for many of the larger networks alike." \
		-o $@ $<

# ---- accuracy, measured ----

CROWDED = Fitted to accuracy measured on ImageNet's validation set (50,000 images), of networks as they are in the supernet, at 224. The networks were found by searches, so they crowd at the good end: half are above 75.9, a fifth between 76.97 and 77.47. The error holds for networks such as these. Within the best fifth it is 0.10 points, but their rank correlation is 0.61 where that of all is 0.99. A random network differs from the nearest one measured in 10 of 20 layers; at that distance the error is 0.2 points. What is fitted to the better half alone says 0.95 points too much of the worse half.

$(OUT)/w1.0.json: schemas/spaces/ofa-mbv3-w1.0.json | $(OUT)
	ds-prune ofa-mbv3-w1.0 -r 224 --name ofa-mbv3-w1.0 > $@

$(D)/top1-ofa-mbv3-w1.0.json: $(REFERENCE)/ofa_w1.0/measured_top1.jsonl $(OUT)/w1.0.json | $(D)
	ds-import ofa --space $(OUT)/w1.0.json $< | ds-fit top1 --name top1-ofa-mbv3-w1.0 \
		--device "ImageNet top-1 of OFA-MBv3 w1.0, measured" --description "$(CROWDED)" -o $@

# ---- tables of block latencies ----

$(D)/note10.json: $(wildcard $(REFERENCE)/note10/*.yaml) | $(D)
	ds-import lut --space ofa-mbv3 --class cpu --name note10 --device "Samsung Note10" \
		--description "Once-for-All's tables of block latencies, R = 160 to 224: the latency of a network is the sum of its entries. The source states no error." \
		-o $@ $(sort $^)

$(D)/pixel1.json: $(REFERENCE)/pixel1/mobile_trim.yaml | $(D)
	ds-import lut --space proxylessnas-w1.0 --class cpu --name pixel1 --device "Google Pixel 1" \
		--description "ProxylessNAS's table of block latencies at 224, width 1.0: the latency of a network is the sum of its entries. The source states no error." \
		-o $@ $<

$(D)/dpu.json: $(REFERENCE)/dpu/ofa_mbv3_blocks.csv | $(D)
	ds-import lut --space ofa-mbv3 --class npu --name dpu \
		--device "Xilinx DPUCZDX8G B2304 at 200 MHz (Ultra96-V2), INT8" \
		--description "Every block of OFA-MBv3 at 224 measured alone on a real NPU, and the first block; the rest of stem and head is not in the table and counts nothing. A sum of blocks measured apart is more than a network run as a whole." \
		-o $@ $<

$(D)/i7-8700k.json: $(REFERENCE)/i7-8700k/i7-8700K_lut.yaml | $(D)
	ds-import lut --space ofa-mbv3 --class cpu --name i7-8700k --device "Intel i7-8700K" \
		--description "NSGANetV2's table of block latencies: the latency of a network is the sum of its entries; pooling is not in the table and counts nothing. The source states no error, framework, threads or batch." \
		-o $@ $<

# ---- the cost model of an NPU: its free parameters; the rest of the file stays ----

schemas/npus/dpu-b2304.json: $(REFERENCE)/dpu/ofa_mbv3_blocks.csv | $(OUT)
	ds-fit-npu $@ $< --splits 20 -o $(OUT)/dpu-b2304.json
	mv $(OUT)/dpu-b2304.json $@

# ---- measured networks: resolutions from 128 to 224 in steps of 4 ----

$(OUT)/wide.json: schemas/spaces/ofa-mbv3.json | $(OUT)
	sed 's/"name": "ofa-mbv3"/"name": "ofa-mbv3-r4"/; s/"resolution": .*/"resolution": [128,132,136,140,144,148,152,156,160,164,168,172,176,180,184,188,192,196,200,204,208,212,216,220,224],/' $< > $@

RTX = The 4,000 networks were measured end to end, at resolutions from 128 to 224; the source does not state their width multiplier (taken to be that of ofa-mbv3). The error is over all of these resolutions.

$(OUT)/rtx.dss: $(REFERENCE)/rtx2080ti/ofa_mbv3_measured.jsonl $(OUT)/wide.json
	ds-import ofa --space $(OUT)/wide.json -o $@ $<

$(D)/rtx2080ti-b1.json: $(OUT)/rtx.dss | $(D)
	ds-fit lat_ms_2080ti_1 --as latency.gpu --space ofa-mbv3 --name rtx2080ti-b1 \
		--device "NVIDIA RTX 2080 Ti, batch 1" --description "$(RTX)" -o $@ $<

$(D)/rtx2080ti-b64.json: $(OUT)/rtx.dss | $(D)
	ds-fit lat_ms_2080ti_64 --as latency.gpu --space ofa-mbv3 --name rtx2080ti-b64 \
		--device "NVIDIA RTX 2080 Ti, batch 64" --description "$(RTX)" -o $@ $<

# ---- the paper's own devices: the answers of the predictors that its group published ----

# what a predictor's file says of itself: its errors on a tenth of the networks that were measured
test_metrics = $(shell pipelines/test-metrics $(1))

$(OUT)/three.json: schemas/spaces/ofa-mbv3.json | $(OUT)
	ds-prune ofa-mbv3 -r 192 -r 208 -r 224 --name ofa-mbv3 > $@

# networks to fit to: SPACE-N.dss
$(OUT)/ofa-mbv3-%.dss: $(OUT)/three.json
	ds-sample $< -n $* --seed 2021 -o $@

$(OUT)/proxylessnas-%.dss: | $(OUT)
	ds-sample proxylessnas -n $* --seed 2021 -o $@

PAPER_ABOUT = Fitted to the answers of a predictor that the paper's group published (AutoBuild), trained on about 3,000 networks measured at 192, 208 and 224: it knows no other resolution. The error stated is against the predictor, on networks that the fit had not seen; the predictor itself errs against measurements, on a tenth of the networks that it was not trained on, by

# $(call paper,PROFILE,CLASS,METRIC,PREDICTOR,N,DEVICE,LIMITS,FAMILY): N networks, the more the rougher the predictor is
define paper
$(D)/$(1).json: $(OUT)/$(patsubst $(firstword $(subst -, ,$(1)))-%,%,$(1))-$(5).dss | $(D)
	ds-measure-$(2) --predictor $(REFERENCE)/autobuild/$(4).pt $$< | \
		ds-fit $(3) $(8) --name $(1) --device "$(6)" \
			--description "$(PAPER_ABOUT) $$(call test_metrics,$(REFERENCE)/autobuild/$(4).pt). $(7)" -o $$@
endef

SUPERNET = It is the accuracy of networks as they are in the supernet, not trained on.
BATCH = Batch, threads and framework are not stated.
$(eval $(call paper,top1-ofa-mbv3,acc,top1,ofa_mbv3-acc,9900,ImageNet top-1 of OFA-MBv3 w1.2,$(SUPERNET)))
$(eval $(call paper,top1-proxylessnas,acc,top1,ofa_pn-acc,150000,ImageNet top-1 of OFA-ProxylessNAS w1.3,$(SUPERNET)))
$(eval $(call paper,rtx2080ti-ofa-mbv3,gpu,latency.gpu,ofa_mbv3-gpu,9900,NVIDIA RTX 2080 Ti,$(BATCH)))
$(eval $(call paper,rtx2080ti-proxylessnas,gpu,latency.gpu,ofa_pn-gpu,400000,NVIDIA RTX 2080 Ti,$(BATCH)))
$(eval $(call paper,amd2990wx-ofa-mbv3,cpu,latency.cpu,ofa_mbv3-cpu,800000,AMD Threadripper 2990WX,$(BATCH),--family chain))
$(eval $(call paper,amd2990wx-proxylessnas,cpu,latency.cpu,ofa_pn-cpu,4000000,AMD Threadripper 2990WX,$(BATCH),--family chain))
$(eval $(call paper,kirin9000-ofa-mbv3,npu,latency.npu,ofa_mbv3-npu,5000000,Huawei Kirin 9000 NPU,$(BATCH),--family chain))
$(eval $(call paper,kirin9000-proxylessnas,npu,latency.npu,ofa_pn-npu,9900,Huawei Kirin 9000 NPU,$(BATCH)))

.PHONY: all
.SECONDARY:

name = devices
variables = REFERENCE OUT N PAPER_N
include $(dir $(firstword $(MAKEFILE_LIST)))settings.mk
