# The thesis of Mills et al. (CIKM 2021), device by device: does searching a space that was pruned
# for the device find better networks than searching the original, at equal budgets?
#   make -f pipelines/thesis.mk OUT=out/thesis
#   make -f pipelines/thesis.mk DEVICES='onednn xnnpack' N=20   (measured live: hours)
# compare.mk for every device: the paper's hand-made space (pruned), and one that was cut
# automatically (auto) by evidence from N architectures. OUT/summary.txt has a line for each.

DEVICES ?= note10 rtx2080ti-b1 dpu kirin9000
OUT ?= out/thesis

# The paper's spaces, by the devices they were made for.
npu = --drop 'kernel==7' --mutate-weight 0=0.5 --mutate-weight 1=0.5 --mutate-weight 2=0.5
gpu = --drop 'expand==3 && kernel!=5 || expand==4 && kernel==3' --max-depth 1=3 --max-depth 3=3 \
	--max-depth 4=3
cpu = --max-depth 0=3 --max-depth 1=3 --max-depth 2=3
prune-note10 = --drop 'kernel==7 && expand<6' --max-depth 0=3
prune-rtx2080ti-b1 = $(gpu)
prune-rtx2080ti-b64 = $(gpu)
prune-dpu = $(npu)
prune-kirin9000 = $(npu)
prune-amd2990wx = $(cpu)
prune-onednn = $(cpu)
prune-xnnpack = $(npu)

here := $(dir $(lastword $(MAKEFILE_LIST)))
SHELL = /bin/bash
.SHELLFLAGS = -o pipefail -c

thesis: $(OUT)/summary.txt
	@cat $<

quote = '$(subst ','\'',$(1))'
latency = latency.$(strip $(if $(filter rtx%,$(1)),gpu,$(if $(filter dpu kirin9000,$(1)),npu,cpu)))

$(DEVICES:%=device-%): device-%:
	@echo "$*" >&2
	@$(MAKE) --no-print-directory -s -f $(here)compare.mk OUT=$(OUT)/$* DEVICE=$* \
	PRUNE=$(call quote,$(prune-$*)) \
	AUTO='--better top1 --worse $(call latency,$*)' >/dev/null

$(OUT)/summary.txt: $(DEVICES:%=device-%)
	@for d in $(DEVICES); do $(here)summary $$d $(OUT)/$$d/table.tsv; done >$@

.PHONY: thesis $(DEVICES:%=device-%)
