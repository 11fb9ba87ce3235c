# What evaluating an architecture means, for the searches: a filter that adds the metrics, and
# which of them are to be searched for. Included by search.mk and compare.mk.
#
# DEVICE is one of
#   onednn, xnnpack                  engines: latency measured live on this machine's processor
#   opencl                           live on the GPU: the first, or GPU=number or name of one that
#                                    ds-measure-gpu --list-devices lists
#   note10, dpu, kirin9000-ofa-mbv3, amd2990wx-proxylessnas, rtx2080ti-b1, ...
#                                    shipped profiles (ls schemas/devices)
#   dpu-b2304, kirin9000-lite        shipped NPUs of the cost model
#   FILE.json, FILE.pt               a profile of one's own, a published predictor; of CLASS cpu,
#                                    gpu or npu
#   exec                             a program, which measures: RUNNER='PROGRAM [ARG ...]', of CLASS
#                                    (man dstools-exec); its answers are kept in OUT/answers
#   cost                             no device: MACs and parameters, counted
# ACCURACY is a profile of the accuracy, or a published predictor as FILE.pth or FILE.pt.
# EVALUATE can be given as a whole, with BETTER and WORSE: the metrics to search for.

# Make would take `a=b/file: ...` for a variable, and a blank for the end of a name.
ifneq ($(words $(subst =, = ,$(OUT))),1)
$(error OUT is one path without blanks and '=', not '$(OUT)')
endif

# What can be given on the command line (settings.mk).
evaluate_variables = DEVICE ACCURACY CLASS RUNNER GPU MEASURE EVALUATE BETTER WORSE

DEVICE ?= cost
ACCURACY ?= acc-ofa-mbv3

by = $(if $(filter %.pt %.pth,$(1)),--predictor,--profile) $(1)
class_of = $(strip \
	$(if $(filter note10 pixel1 i7-8700k amd2990wx amd2990wx-%,$(1)),cpu)\
	$(if $(filter rtx2080ti-%,$(1)),gpu)\
	$(if $(filter dpu kirin9000 kirin9000-%,$(1)),npu))

ifneq ($(filter onednn xnnpack,$(DEVICE)),)
CLASS = cpu
MEASURE ?= ds-measure-cpu -q --engine $(DEVICE)
else ifeq ($(DEVICE),opencl)
CLASS = gpu
MEASURE ?= ds-measure-gpu -q $(if $(GPU),--device "$(GPU)")
else ifeq ($(DEVICE),exec)
MEASURE ?= ds-measure-$(CLASS) -q --exec $(firstword $(RUNNER)) \
	$(patsubst %,--arg=%,$(wordlist 2,$(words $(RUNNER)),$(RUNNER))) --cache $(OUT)/answers
else ifneq ($(filter dpu-b2304 kirin9000-lite,$(DEVICE)),)
CLASS = npu
MEASURE ?= ds-measure-npu -q --model $(DEVICE)
else ifneq ($(DEVICE),cost)
CLASS ?= $(call class_of,$(DEVICE))
MEASURE ?= ds-measure-$(CLASS) -q $(call by,$(DEVICE))
endif

ifeq ($(DEVICE),cost)
BETTER ?= params
WORSE ?= macs
EVALUATE ?= ds-measure-cost -q
else
ifndef EVALUATE
ifeq ($(DEVICE),exec)
ifeq ($(and $(CLASS),$(RUNNER)),)
$(error DEVICE=exec wants RUNNER='PROGRAM [ARG ...]' and CLASS=cpu, gpu or npu)
endif
else ifeq ($(CLASS),)
$(error DEVICE=$(DEVICE) is no engine and no shipped profile; for one of your own say CLASS=cpu, gpu or npu)
endif
endif
BETTER ?= top1
WORSE ?= latency.$(CLASS)
EVALUATE ?= ds-measure-acc -q $(call by,$(ACCURACY)) | \
	$(MEASURE)
endif
