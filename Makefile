# dstools. Targets: all check install uninstall deps demo bench format lint clean
# Variables: CC PREFIX DESTDIR BUILD SANITIZE=1; see pipelines/ for those of an experiment.

VERSION = 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
PKG_CONFIG ?= pkg-config

ifdef SANITIZE
BUILD ?= build/sanitize
SANFLAGS = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else
BUILD ?= build
endif

# What Debian calls the packages that dstools is built and run with. The first group is needed;
# engines of the second are left out where they are not to be had.
NEEDS = gcc libc6-dev make pkg-config libmsgpack-dev libzstd-dev libxxhash-dev libjansson-dev \
	libgmp-dev libdnnl-dev gnuplot-nox parallel zstd
WANTS = libxnnpack-dev libpthreadpool-dev
CHECKS = bats clang clang-format shellcheck util-linux bsdextrautils mandoc

MSGPACK := $(firstword $(foreach p,msgpack-c msgpackc msgpack,\
	$(shell $(PKG_CONFIG) --exists $(p) 2>/dev/null && echo $(p))))
PACKAGES = $(MSGPACK) libzstd libxxhash jansson gmp
have = $(shell echo '\#include <$(1)>' | $(CC) $(CPPFLAGS) -E - >/dev/null 2>&1 && echo 1)

CFLAGS ?= -O3 -g
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Werror
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DDS_VERSION='"$(VERSION)"' -DDS_DATADIR='"$(PREFIX)/share/dstools"' \
	-Ilib $(shell $(PKG_CONFIG) --cflags $(PACKAGES)) $(WARN) $(CPPFLAGS) $(CFLAGS) $(SANFLAGS)
LIBS = $(shell $(PKG_CONFIG) --libs $(PACKAGES)) -lm $(ENGINE_LIBS)

ENGINES := $(if $(call have,dnnl.h),onednn) $(if $(call have,xnnpack.h),xnnpack)
ENGINE_LIBS = $(if $(filter onednn,$(ENGINES)),-ldnnl -lgomp) \
	$(if $(filter xnnpack,$(ENGINES)),-lXNNPACK -lpthreadpool) -lpthread
ENGINE_FLAGS = $(foreach e,$(ENGINES),-DDS_ENGINE_$(e)) \
	-DDS_XNNPACK_VERSION='"$(shell dpkg-query -Wf '$${Version}' libxnnpack-dev 2>/dev/null || echo unversioned)"'

LIB_SRC := $(filter-out lib/engine_%.c,$(wildcard lib/*.c)) $(wildcard $(ENGINES:%=lib/engine_%.c))
LIB_OBJ = $(LIB_SRC:%.c=$(BUILD)/%.o)
TOOL_SRC := $(wildcard tools/ds-*.c)
SHARED_OBJ = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(TOOL_SRC),$(wildcard tools/*.c)))
TOOLS = $(TOOL_SRC:tools/%.c=$(BUILD)/%)
UNIT = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))

all: $(TOOLS)

$(BUILD)/ds-%: $(BUILD)/tools/ds-%.o $(SHARED_OBJ) $(BUILD)/libds.a
	@echo "  LD $@"
	@$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/test_%: $(BUILD)/tests/test_%.o $(BUILD)/libds.a
	@echo "  LD $@"
	@$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/libds.a: $(LIB_OBJ)
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(ALL_CFLAGS) $(ENGINE_FLAGS) -MMD -MP -c -o $@ $<

check: all $(UNIT)
	BUILD=$(abspath $(BUILD)) tests/run

clean:
	rm -rf build

format:
	clang-format -i lib/*.[ch] tools/*.[ch] tests/*.[ch]

lint:
	clang-format --dry-run --Werror lib/*.[ch] tools/*.[ch] tests/*.[ch]
	shellcheck tests/run tests/*.bats .ci/run

.PHONY: all check clean format lint
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
