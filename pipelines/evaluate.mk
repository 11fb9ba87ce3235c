# What evaluating an architecture means, for the searches: a filter that adds the metrics, and
# which of them are to be searched for. Included by search.mk and compare.mk.
#
# DEVICE is an engine to measure live with (onednn, xnnpack), or cost (MACs, parameters: counted).

DEVICE ?= cost

ifneq ($(filter onednn xnnpack,$(DEVICE)),)
MEASURE ?= ds-measure-cpu -q --engine $(DEVICE)
WORSE ?= latency.cpu
else ifeq ($(DEVICE),cost)
MEASURE ?=
WORSE ?= macs
endif
BETTER ?= params

EVALUATE ?= ds-measure-cost -q $(if $(MEASURE),| $(MEASURE))
