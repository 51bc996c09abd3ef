# grud: build, test, run. `make help` lists the targets; each section of this file is one in mk/.
VERSION := $(shell sed -n 's/^\#define GRU_VERSION "\(.*\)"/\1/p' lib/gru.h)
COMMIT  := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
PREFIX  ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR ?=

# CFLAGS, CPPFLAGS and LDFLAGS are the user's: they come after our own flags (mk/flags.mk).
# A sanitizer build lives beside the plain one: make test SAN=address (with UBSan), SAN=thread.
SAN ?=
BUILD := build$(if $(SAN),/$(SAN))

# One line per file; V=1 shows the commands.
Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

MAKEFLAGS += -r
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

.PHONY: all help clean
all: includes $(BUILD)/grud libraries ## build the daemon and the libraries

help: ## list the targets
	@sed -n 's/^\([a-z0-9_.-]*\):.*## \(.*\)/  \1\t\2/p' $(filter Makefile mk/%,$(MAKEFILE_LIST)) | \
	  expand -t 26

clean: ## remove what was built
	rm -rf build compile_commands.json

# What other sections use comes first; the rest is in any order.
include mk/flags.mk mk/packages.mk mk/lib.mk mk/server.mk mk/tests.mk
include $(filter-out $(MAKEFILE_LIST),$(wildcard mk/*.mk))

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)

# (The programs below are compiled and linked at once.)
.PHONY: bench bench-peers
$(BUILD)/bench/%: private override CPPFLAGS := $(OWN_CPPFLAGS) $(CPPFLAGS)
$(BUILD)/bench/%: private override CFLAGS := $(OWN_CFLAGS) $(CFLAGS)
$(BUILD)/bench/%: private override LDFLAGS := $(filter-out $(OPT),$(OWN_LDFLAGS)) -pie $(LDFLAGS)

# ---- measuring ----
$(BUILD)/bench/%: tests/bench/%.c $(GRU)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -Iserver -Ilib $(LDFLAGS) -o $@ $< $(GRU) $(BENCH_LIBS) -lm -lpthread
$(BUILD)/bench/bench_kernels: BENCH_LIBS := -lopenblas
$(BUILD)/bench/bench_train: BENCH_LIBS := -lopenblas
$(BUILD)/bench/bench_json: BENCH_LIBS := -lcjson
$(BUILD)/bench/bare_responder: BENCH_LIBS := -lmicrohttpd

$(BUILD)/bench/bench_sessions: tests/bench/bench_sessions.c $(BUILD)/service.a $(BUILD)/store.a $(BUILD)/config.a $(BUILD)/base.a $(GRU)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -Iserver -Ilib $(LDFLAGS) -o $@ $^ $(LIBS_store) $(LIBS_base)

ON_ONE_CORE := $(if $(shell command -v taskset),taskset -c 0)

bench: bench-packages all $(addprefix $(BUILD)/bench/,bench_kernels bench_train bench_json bench_sessions bare_responder load) ## measure, side by side, as ratios
	@env -u OPENBLAS_CORETYPE OPENBLAS_NUM_THREADS=1 $(ON_ONE_CORE) $(BUILD)/bench/bench_kernels
	@env -u OPENBLAS_CORETYPE OPENBLAS_NUM_THREADS=1 $(ON_ONE_CORE) $(BUILD)/bench/bench_train
	@$(ON_ONE_CORE) $(BUILD)/bench/bench_json
	@BUILD=$(BUILD) tests/bench/bench_http.sh
	@BUILD=$(BUILD) tests/bench/bench_overload.sh
	@BUILD=$(BUILD) tests/bench/bench_sessions.sh
	@BUILD=$(BUILD) tests/bench/bench_training.sh

bench-peers: bench-packages all $(BUILD)/bench/bench_train ## the same against ONNX Runtime, and PyTorch where it is installed
	$(call packages,python3-venv)
	@test -x build/peers/bin/python || python3 -m venv build/peers
	@build/peers/bin/pip install --quiet numpy onnx onnxruntime
	@$(ON_ONE_CORE) build/peers/bin/python tests/bench/bench_peers.py --lib $(BUILD)/libgru.so
	@! /usr/bin/python3 -c 'import torch' 2>/dev/null || \
	  $(ON_ONE_CORE) /usr/bin/python3 tests/bench/bench_train_peers.py --bench $(BUILD)/bench/bench_train

