# dstools. `make help` says what there is to make.

VERSION = 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
PKG_CONFIG ?= pkg-config

ifdef SANITIZE
BUILD ?= build/sanitize
# gcc says itself that its format warnings are unreliable under sanitizers
SANFLAGS = -O1 -Wno-format-truncation -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else
BUILD ?= build
endif

# Debian's packages: what dstools is built and run with; engines, left out where they are not to be
# had; what its tests and its linters need on top.
NEEDS = gcc libc6-dev make pkg-config libmsgpack-dev libzstd-dev libxxhash-dev libjansson-dev \
	libgmp-dev libopenblas-dev libyaml-dev libprotobuf-c-dev protobuf-c-compiler \
	libjpeg62-turbo-dev libpng-dev zlib1g-dev gnuplot-nox parallel zstd
WANTS = libdnnl-dev libxnnpack-dev libpthreadpool-dev ocl-icd-opencl-dev libclblast-dev
CHECKS = bats bsdutils python3 pocl-opencl-icd
LINTERS = clang-format shellcheck mandoc

MSGPACK := $(firstword $(foreach p,msgpack-c msgpackc msgpack,\
	$(shell $(PKG_CONFIG) --exists $(p) 2>/dev/null && echo $(p))))
PACKAGES = $(MSGPACK) libzstd libxxhash jansson gmp openblas yaml-0.1 libprotobuf-c libjpeg \
	libpng zlib
have = $(shell printf '\043include <$(1)>\n' | $(CC) $(CPPFLAGS) -E - >/dev/null 2>&1 && echo 1)

CFLAGS ?= -O3 -g
WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Werror
ALL_CFLAGS = -std=c11 -fno-math-errno -D_GNU_SOURCE -DDS_VERSION='"$(VERSION)"' \
	-DDS_DATADIR='"$(PREFIX)/share/dstools"' -Ilib -I$(BUILD)/lib $(PACKAGE_FLAGS) $(WARN) \
	$(CPPFLAGS) $(CFLAGS) $(SANFLAGS)
PACKAGE_FLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null)
ALL_LIBS = $(LIBS) $(ENGINE_LIBS) -lpthread -lm

ENGINES := $(if $(call have,dnnl.h),onednn) $(if $(call have,xnnpack.h),xnnpack) \
	$(if $(call have,CL/cl.h),$(if $(call have,clblast_c.h),opencl))
ENGINE_LIBS = $(if $(filter onednn,$(ENGINES)),-ldnnl -lgomp) \
	$(if $(filter xnnpack,$(ENGINES)),-lXNNPACK -lpthreadpool) \
	$(if $(filter opencl,$(ENGINES)),-lclblast -lOpenCL)
version_of = '"$(shell dpkg-query -Wf '$${Version}' $(1) 2>/dev/null || echo unversioned)"'
ENGINE_FLAGS := $(foreach e,$(ENGINES),-DDS_ENGINE_$(e)) \
	-DDS_XNNPACK_VERSION=$(call version_of,libxnnpack-dev) \
	-DDS_CLBLAST_VERSION=$(call version_of,libclblast-dev)

# an engine is lib/engines/NAME.c or a folder of its own
LIB_SRC := $(filter-out lib/engines/%,$(wildcard lib/*/*.c)) lib/engines/engine.c \
	lib/engines/placement.c $(foreach e,$(ENGINES),$(wildcard lib/engines/$(e).c lib/engines/$(e)/*.c))
LIB_OBJ = $(LIB_SRC:%.c=$(BUILD)/%.o) $(BUILD)/lib/formats/onnx.pb-c.o
TOOL_SRC := $(wildcard tools/ds-*.c)
SHARED_OBJ = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(TOOL_SRC),$(wildcard tools/*.c)))
TOOLS = $(TOOL_SRC:tools/%.c=$(BUILD)/%)
PIPELINES = $(filter-out %/__pycache__,$(wildcard pipelines/*))
UNIT = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))

all: $(TOOLS)

# --as-needed: a tool asks for the libraries that the parts of libds in it use, and no others
$(BUILD)/ds-%: $(BUILD)/tools/ds-%.o $(BUILD)/libtool.a $(BUILD)/libds.a
	@echo "  LD $@"
	@$(CC) $(ALL_CFLAGS) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(ALL_LIBS)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libds.a
	@echo "  LD $@"
	@$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/libds.a: $(LIB_OBJ)
$(BUILD)/libtool.a: $(SHARED_OBJ)
$(BUILD)/%.a:
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC $<"
	@$(CC) $(ALL_CFLAGS) $(ENGINE_FLAGS) -MMD -MP -c -o $@ $<

# protobuf messages become C
$(BUILD)/lib/%.pb-c.c $(BUILD)/lib/%.pb-c.h: lib/%.proto
	@mkdir -p $(@D)
	@protoc-c --proto_path=$(<D) --c_out=$(@D) $<

$(BUILD)/lib/%.pb-c.o: $(BUILD)/lib/%.pb-c.c
	@$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/lib/formats/onnx.o: $(BUILD)/lib/formats/onnx.pb-c.h

# the OpenCL kernels become a string
$(BUILD)/lib/engines/opencl/kernels.h: lib/engines/opencl/kernels.cl
	@mkdir -p $(@D)
	@{ echo 'static const char opencl_kernels[] ='; \
		sed 's/[\\"]/\\&/g; s/.*/    "&\\n"/' $<; echo '    ;'; } > $@

$(BUILD)/lib/engines/opencl/program.o: $(BUILD)/lib/engines/opencl/kernels.h

# ---- using it ----

demo: all
	@PATH="$(abspath $(BUILD)):$$PATH" $(MAKE) --no-print-directory -f pipelines/profile.mk \
		OUT=out/demo N=3 MEASURE='--precision 2 --max-runs 8' show

# what the tests need built
unit: $(UNIT) $(BUILD)/tests/logits

check: all unit
	@BUILD="$(abspath $(BUILD))" SANITIZE=$(SANITIZE) tests/run

bench: all $(BUILD)/tests/bench/engines
	@BUILD="$(abspath $(BUILD))" tests/bench/run

# what a test compares with: a runtime that is not ours, from npm
onnxruntime:
	@rm -f build/onnxruntime/npm.log
	@tests/onnxruntime

deps:
	@pipelines/deps "$(NEEDS)" "$(WANTS)"

check-deps: deps
	@pipelines/deps "$(CHECKS)" "$(LINTERS)"

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 \
		$(DESTDIR)$(PREFIX)/share/man/man7 $(DESTDIR)$(PREFIX)/share/dstools/pipelines \
		$(DESTDIR)$(PREFIX)/share/dstools/runners
	install $(TOOLS) $(DESTDIR)$(PREFIX)/bin
	install -m 644 tools/*.1 $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 tools/*.7 $(DESTDIR)$(PREFIX)/share/man/man7
	cd schemas && find . -type f -exec install -D -m 644 {} \
		"$(DESTDIR)$(PREFIX)/share/dstools/schemas/{}" \;
	install $(PIPELINES) $(DESTDIR)$(PREFIX)/share/dstools/pipelines
	install $(filter-out %.md,$(wildcard examples/runners/*)) $(DESTDIR)$(PREFIX)/share/dstools/runners

uninstall:
	rm -f $(TOOLS:$(BUILD)/%=$(DESTDIR)$(PREFIX)/bin/%)
	rm -f $(patsubst tools/%,$(DESTDIR)$(PREFIX)/share/man/man1/%,$(wildcard tools/*.1))
	rm -f $(patsubst tools/%,$(DESTDIR)$(PREFIX)/share/man/man7/%,$(wildcard tools/*.7))
	rm -rf $(DESTDIR)$(PREFIX)/share/dstools

# ---- working on it ----

C_FILES = $(wildcard lib/*/*.[ch] lib/*/*/*.[ch] tools/*.[ch] tests/*.[ch] tests/bench/*.[ch])

format:
	clang-format -i $(C_FILES)

lint:
	clang-format --dry-run --Werror $(C_FILES)
	shellcheck -S warning tests/run tests/onnxruntime tests/*.bats tests/bench/run .ci/run \
		examples/runners/ssh examples/runners/adb-* \
		 $(filter-out %.mk %.py,$(PIPELINES))
	mandoc -Tlint -W warning tools/*.[17]

clean:
	rm -rf build out

help:
	@echo "make            build the tools (into $(BUILD); engines: $(ENGINES))"
	@echo "make demo       profile OFA-MBv3 on this machine's CPU: the block heat map"
	@echo "make check      run the tests; SANITIZE=1: under ASan and UBSan; CC=clang"
	@echo "make install    into PREFIX ($(PREFIX)), below DESTDIR"
	@echo "make deps       install Debian's packages; check-deps: what the tests need, too"
	@echo "make bench      measure dstools itself"
	@echo "make format, lint, clean, uninstall"

.PHONY: all demo unit check bench onnxruntime deps check-deps install uninstall format lint clean help
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
