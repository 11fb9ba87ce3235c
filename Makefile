# dstools. `make help` says what there is to make.

VERSION = 0.2.0
PREFIX ?= /usr/local
DEST = $(abspath $(DESTDIR)$(PREFIX))
SHARE = $(DEST)/share/dstools
PKG_CONFIG ?= pkg-config

BUILD ?= build$(if $(SANITIZE),/sanitize)
# gcc says itself that its format warnings are unreliable under sanitizers
SANFLAGS = $(if $(SANITIZE),-O1 -Wno-format-truncation -fno-omit-frame-pointer \
	-fsanitize=address -fsanitize=undefined -fno-sanitize-recover=all)

# Debian's packages: what dstools is built and run with; engines, left out where they are not to be
# had; what its tests and its linters need on top.
NEEDS = gcc libc6-dev make pkg-config libmsgpack-dev libzstd-dev libxxhash-dev libjansson-dev \
	libgmp-dev libopenblas-dev libyaml-dev libprotobuf-c-dev protobuf-c-compiler \
	libjpeg62-turbo-dev libpng-dev zlib1g-dev gnuplot-nox parallel zstd
WANTS = libdnnl-dev libxnnpack-dev libpthreadpool-dev ocl-icd-opencl-dev libclblast-dev
CHECKS = bats jq bsdutils python3 pocl-opencl-icd dataset-fashion-mnist openssh-server openssh-client iproute2
LINTERS = clang-format shellcheck mandoc
RUNTIMES = python3-pyarmnn libarmnn-cpuref-backend22 libarmnn-cpuref-backend33

MSGPACK := $(firstword $(foreach p,msgpack-c msgpackc msgpack,\
	$(shell $(PKG_CONFIG) --exists $(p) 2>/dev/null && echo $(p))))
PACKAGES = $(MSGPACK) libzstd libxxhash jansson gmp openblas yaml-0.1 libprotobuf-c libjpeg libpng zlib

CFLAGS ?= -O3 -g
# WERROR=1 is for CI and developers: a later compiler's new warning must not break a build
ALL_CFLAGS = -std=c11 -fno-math-errno -D_GNU_SOURCE -DDS_VERSION='"$(VERSION)"' \
	-DDS_DATADIR='"$(PREFIX)/share/dstools"' -Ilib -I$(BUILD)/lib $(PACKAGE_FLAGS) \
	-Wall -Wextra -Wno-missing-field-initializers -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith $(if $(WERROR),-Werror) $(CPPFLAGS) $(CFLAGS) $(SANFLAGS)
PACKAGE_FLAGS := $(shell $(PKG_CONFIG) --cflags $(PACKAGES) 2>/dev/null)
LIBS := $(shell $(PKG_CONFIG) --libs $(PACKAGES) 2>/dev/null)
LINK = @echo "  LD $@"; \
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -Wl,--as-needed -o $@ $^ $(LIBS) $(filter -%,$(PROBED)) -lpthread -lm

# engines: the folders of lib/engines whose probe compiles and links, and the libraries it names
ifneq ($(filter-out clean deps format lint uninstall,$(or $(MAKECMDGOALS),all)),)
PROBED := $(shell CC='$(CC)' FLAGS='$(CPPFLAGS) $(LDFLAGS)' WITHOUT='$(WITHOUT)' \
	lib/engines/probe $(BUILD)/engines; lib/measure/commit $(BUILD)/lib/measure/commit.h)
endif
ENGINES := $(filter-out -%,$(PROBED))
version_of = '"$(shell dpkg-query -Wf '$${Version}' $(1) 2>/dev/null || echo unversioned)"'
ENGINE_FLAGS := $(ENGINES:%=-DDS_ENGINE_%) -DDS_XNNPACK_VERSION=$(call version_of,libxnnpack-dev) \
	-DDS_CLBLAST_VERSION=$(call version_of,libclblast-dev)
LIB_SRC := $(filter-out %/probe.c,$(wildcard $(ENGINES:%=lib/engines/%/*.c)) $(wildcard lib/*/*.c))
LIB_OBJ = $(LIB_SRC:%.c=$(BUILD)/%.o) $(BUILD)/lib/formats/onnx.pb-c.o
TOOL_SRC := $(wildcard tools/ds-*.c)
SHARED_OBJ = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(TOOL_SRC),$(wildcard tools/*.c)))
TOOLS = $(TOOL_SRC:tools/%.c=$(BUILD)/%)
UNIT = $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/test_*.c))

all: $(TOOLS)

# --as-needed: a tool asks for the libraries that the parts of libds in it use, and no others
$(BUILD)/ds-%: $(BUILD)/tools/ds-%.o $(BUILD)/libtool.a $(BUILD)/libds.a
	$(LINK)
$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libds.a
	$(LINK)

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
# written by the probe when there are other engines than before
$(addprefix $(BUILD)/lib/engines/,cpu.o gpu.o all.o): $(BUILD)/engines

# the OpenCL kernels become a string
$(BUILD)/lib/engines/opencl/kernels.h: lib/engines/opencl/kernels.cl
	@mkdir -p $(@D)
	@sed -e 's/[\\"]/\\&/g; s/.*/    "&\\n"/; 1i static const char opencl_kernels[] =' -e '$$a ;' $< > $@
$(BUILD)/lib/engines/opencl/program.o: $(BUILD)/lib/engines/opencl/kernels.h

demo: all
	@PATH="$(abspath $(BUILD)):$$PATH" $(MAKE) --no-print-directory -f pipelines/profile.mk show OUT=out/demo \
		N=3 MEASURE='--precision 10 --max-runs 16' ALSO='BUILD CC CFLAGS CPPFLAGS LDFLAGS PREFIX SANITIZE WERROR'

unit: $(UNIT) $(addprefix $(BUILD)/tests/,logits blocks bench/engines bench/peak) # what the tests need built
check: all unit
	@BUILD="$(abspath $(BUILD))" SANITIZE=$(SANITIZE) tests/run

# ONNX Runtime, which is not ours, from npm: what tests and bench compare with
onnxruntime:
	@rm -f build/onnxruntime/npm.log && tests/onnxruntime

bench: all $(BUILD)/tests/bench/engines $(BUILD)/tests/bench/peak
	@BUILD="$(abspath $(BUILD))" tests/bench/run
fuzz campaign-test: all
	@BUILD="$(abspath $(BUILD))" tests/$@/run

deps:
	@pipelines/deps "$(NEEDS)" "$(WANTS)"
check-deps: deps
	@pipelines/deps "$(CHECKS)" "$(LINTERS) $(RUNTIMES)"

install: all
	install -D -t $(DEST)/bin $(TOOLS)
	install -D -m 644 -t $(DEST)/share/man/man1 tools/*.1
	install -D -m 644 -t $(DEST)/share/man/man7 tools/*.7
	cd schemas && find . -type f -exec install -D -m 644 {} "$(SHARE)/schemas/{}" \;
	install -D -t $(SHARE)/pipelines $(filter-out %/__pycache__,$(wildcard pipelines/*))
	install -D -t $(SHARE)/runners $(filter-out %.md %/pytorch-supernet %/__pycache__,$(wildcard examples/runners/*))
	install -D -m 644 -t $(DEST)/share/doc/dstools README.md NEWS LICENSE

uninstall:
	rm -rf $(TOOLS:$(BUILD)/%=$(DEST)/bin/%) $(SHARE) $(DEST)/share/doc/dstools
	cd $(DEST)/share/man && rm -f $(patsubst tools/%,man?/%,$(wildcard tools/*.[17]))
dist:
	git archive --prefix=dstools-$(VERSION)/ -o dstools-$(VERSION).tar.gz HEAD

C_FILES = $(wildcard lib/*/*.[ch] lib/*/*/*.[ch] tools/*.[ch] tests/*.[ch] tests/*/*.[ch])

format:
	clang-format -i $(C_FILES)
lint:
	clang-format --dry-run --Werror $(C_FILES)
	shellcheck -S warning tests/*.bats $(shell grep -rlE '^.!.*(/| )(ba)?sh$$' .ci examples lib pipelines tests)
	mandoc -Tlint -W warning tools/*.[17]

clean:
	rm -rf build out
help:
	@echo "make            build the tools (into $(BUILD); engines: $(ENGINES))"
	@echo "make demo       profile OFA-MBv3 on this machine's CPU: the block heat map"
	@echo "make check      run the tests; SANITIZE=1: under ASan and UBSan; CC=clang"
	@echo "make install    into PREFIX ($(PREFIX)), below DESTDIR"
	@echo "make deps       install Debian's packages; check-deps: what the tests need, too"
	@echo "make bench      measure dstools itself; also: fuzz, campaign-test, dist, format, lint, clean, uninstall"

.PHONY: all demo unit check onnxruntime bench fuzz campaign-test deps check-deps install uninstall dist format lint clean help
.SECONDARY:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
