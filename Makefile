# grud: build, test, run. `make help` lists the targets.
VERSION := $(shell sed -n 's/^\#define GRU_VERSION "\(.*\)"/\1/p' lib/gru.h)
COMMIT  := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
PREFIX  ?= /usr/local
SYSCONFDIR ?= /etc
DESTDIR ?=

# A sanitizer build lives beside the plain one: make test SAN=address (with UBSan), make test SAN=thread.
SAN ?=
BUILD := build$(if $(SAN),/$(SAN))

CC       ?= cc
# What is built for: the compiler's word, so that CC may be a cross-compiler; until one is installed, this machine.
ARCH     := $(firstword $(subst -, ,$(or $(shell $(CC) -dumpmachine 2>/dev/null),$(shell uname -m))))
CSTD     := -std=gnu17
WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wwrite-strings \
            -Wformat=2 -Wimplicit-fallthrough -Wcast-qual -Wpointer-arith
OPT      := -O2 -g
# What Debian builds its own packages with (dpkg-buildflags, hardening=+all), and what its compiler can do beyond.
# -Wformat=2 above, as an error, is its -Werror=format-security.
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fPIE
ifeq ($(ARCH),x86_64)
HARDEN   += -fcf-protection
endif
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack
ifeq ($(SAN),fuzz)
CC       := clang
OPT      := -O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(SAN),address)
OPT      := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifeq ($(SAN),thread)
OPT      := -O1 -g -fsanitize=thread
else
HARDEN   += -D_FORTIFY_SOURCE=2
endif
CPPFLAGS += -D_GNU_SOURCE
CFLAGS   += $(CSTD) $(OPT) $(WARN) $(HARDEN) -fvisibility=hidden -MMD -MP
LDFLAGS  += $(OPT) $(LDHARDEN)
# BLAS=-l:libopenblas.a links it in: the image is half the size without its package.
BLAS     ?= -lopenblas

# One line per file; V=1 shows the commands.
Q   := $(if $(V),,@)
say  = $(if $(V),,@printf '  %-4s %s\n' $(1) $(2))

# ---- layers: each folder is one archive, linked with those below it ----
LIB_FOLDERS    := json kernels engine
SERVER_LAYERS  := base config commands confine secure store service codec http
KERNEL_LEVELS  := baseline
ifeq ($(ARCH),x86_64)
KERNEL_LEVELS  += avx2 avx512
endif
KFLAGS_baseline :=
KFLAGS_avx2     := -march=x86-64-v3
KFLAGS_avx512   := -march=x86-64-v4 -mprefer-vector-width=512

LIB_SOURCES := $(filter-out lib/kernels/simd.c,$(foreach d,$(LIB_FOLDERS),$(wildcard lib/$(d)/*.c lib/$(d)/*/*.c)))
LIB_OBJECTS := $(LIB_SOURCES:%.c=$(BUILD)/%.o) $(KERNEL_LEVELS:%=$(BUILD)/lib/kernels/simd-%.o)

LIBS_base    := -lxxhash $(BLAS) -lpthread -lm
LIBS_confine := -lseccomp
LIBS_store   := -lsqlite3
LIBS_secure  := -lgnutls
LIBS_codec   := -lcjson
LIBS_http    := -lmicrohttpd

.PHONY: all all-tests arm64 arm64-test bench bench-packages bench-peers build-packages check check-packages \
        clean config-files crash-test docker docker-base docker-test drain-test fault-test format format-check \
        fuzz fuzz-packages fuzz-programs help install kubernetes-pod-test kubernetes-server-test kubernetes-test layers run \
        soak systemd-test test test-packages test-run tidy valgrind
MAKEFLAGS += -r
.SUFFIXES:
.DELETE_ON_ERROR:
.SECONDARY:

all: layers $(BUILD)/grud $(BUILD)/libgru.a $(BUILD)/libgru.so ## build the daemon and the library

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

# ---- packages: what is missing is installed, on Debian and its kin ----
BUILD_PACKAGES := gcc libc6-dev pkg-config libmicrohttpd-dev libcjson-dev libxxhash-dev libsqlite3-dev libopenblas-dev libseccomp-dev libgnutls28-dev
RUN_PACKAGES   := curl jq
TEST_PACKAGES  := $(BUILD_PACKAGES) binutils check libsubunit-dev curl jq openssl procps
CHECK_PACKAGES := clang-format clang-tidy shellcheck check libsubunit-dev libopenblas-dev systemd
BENCH_PACKAGES := libopenblas-dev util-linux procps python3 curl jq
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

define packages
@missing=; for p in $(1); do dpkg -s $$p >/dev/null 2>&1 || missing="$$missing $$p"; done; \
  if [ -n "$$missing" ]; then \
    command -v apt-get >/dev/null || { echo "please install:$$missing" >&2; exit 1; }; \
    echo "installing:$$missing"; \
    $(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi
endef

build-packages:
	$(call packages,$(BUILD_PACKAGES))
test-packages:
	$(call packages,$(TEST_PACKAGES))
check-packages:
	$(call packages,$(BUILD_PACKAGES) $(CHECK_PACKAGES))
bench-packages:
	$(call packages,$(BUILD_PACKAGES) $(BENCH_PACKAGES))

# ---- the library ----
$(BUILD)/lib/%.o: lib/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fPIC -Ilib -c $< -o $@

# The kernels are one file, compiled once per instruction set. Without -fno-trapping-math and -fno-math-errno no
# compiler vectorises them; unlike -ffast-math, both keep NaN and infinity.
$(BUILD)/lib/kernels/simd-%.o: lib/kernels/simd.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -O3 $(if $(SAN),$(OPT)) $(KFLAGS_$*) -fno-trapping-math -fno-math-errno -Wno-psabi \
	  -DK_LEVEL=$* -fPIC -Ilib -c $< -o $@

$(BUILD)/libgru.a: $(LIB_OBJECTS)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)$(AR) rcs $@ $^

$(BUILD)/libgru.so: $(LIB_OBJECTS)
	$(call say,LD,$@)
	$(Q)$(CC) $(filter-out -pie,$(LDFLAGS)) -shared -Wl,-soname,libgru.so.0 -o $@ $^ -lopenblas -lm

# ---- the daemon ----
$(BUILD)/server/%.o: server/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -DGRUD_COMMIT='"$(COMMIT)"' -Iserver -Ilib -c $< -o $@

define server_layer
$(BUILD)/$(1).a: $(patsubst %.c,$(BUILD)/%.o,$(wildcard server/$(1)/*.c server/$(1)/*/*.c))
	@rm -f $$@
	$$(call say,AR,$$@)
	$$(Q)$$(AR) rcs $$@ $$^
endef
$(foreach l,$(SERVER_LAYERS),$(eval $(call server_layer,$(l))))

$(BUILD)/grud: $(BUILD)/server/main.o $(BUILD)/commands.a $(BUILD)/http.a $(BUILD)/codec.a $(BUILD)/service.a $(BUILD)/store.a $(BUILD)/secure.a $(BUILD)/confine.a $(BUILD)/config.a $(BUILD)/base.a $(BUILD)/libgru.a
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_http) $(LIBS_codec) $(LIBS_secure) $(LIBS_store) $(LIBS_confine) $(LIBS_base)

# ---- tests: one program per layer, linked with that layer and those below, so a call upward does not link ----
TEST_LIBS := -lcheck -lsubunit -lrt $(LIBS_base)
$(BUILD)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(if $(filter tests/json/% tests/kernels/% tests/engine/%,$<),,-Iserver) -Itests -Ilib -c $< -o $@

define test_program
$(BUILD)/tests/test-$(1): $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/$(1)/*.c tests/$(1)/*/*.c)) $(BUILD)/tests/main.o $(2)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(LDFLAGS) -o $$@ $$^ $(3) $$(TEST_LIBS)
endef
GRU := $(BUILD)/libgru.a
TLS_TEST := $(BUILD)/tests/certificates.o
HTTP_TEST := $(BUILD)/tests/http_client.o $(BUILD)/tests/http_message.o
$(eval $(call test_program,json,$(GRU)))
$(eval $(call test_program,kernels,$(GRU)))
$(eval $(call test_program,engine,$(GRU)))
$(eval $(call test_program,base,$(BUILD)/tests/scratch.o $(BUILD)/base.a $(GRU)))
$(eval $(call test_program,config,$(BUILD)/tests/scratch.o $(BUILD)/config.a $(BUILD)/base.a $(GRU)))
$(eval $(call test_program,commands,$(BUILD)/tests/scratch.o $(BUILD)/commands.a $(BUILD)/config.a $(BUILD)/base.a $(GRU)))
$(eval $(call test_program,confine,$(BUILD)/confine.a $(BUILD)/config.a $(BUILD)/base.a $(GRU),$(LIBS_confine)))
$(eval $(call test_program,store,$(BUILD)/store.a $(BUILD)/config.a $(BUILD)/base.a $(GRU),$(LIBS_store)))
$(eval $(call test_program,secure,$(TLS_TEST) $(BUILD)/secure.a $(BUILD)/config.a $(BUILD)/base.a $(GRU),$(LIBS_secure)))
$(eval $(call test_program,service,$(BUILD)/service.a $(BUILD)/store.a $(BUILD)/config.a $(BUILD)/base.a $(GRU),$(LIBS_store)))
$(eval $(call test_program,codec,$(BUILD)/codec.a $(BUILD)/service.a $(BUILD)/store.a $(BUILD)/config.a $(BUILD)/base.a $(GRU),$(LIBS_codec) $(LIBS_store)))
$(eval $(call test_program,http,$(BUILD)/http.a $(BUILD)/codec.a $(BUILD)/service.a $(BUILD)/store.a $(BUILD)/secure.a $(BUILD)/config.a $(BUILD)/base.a $(GRU),$(LIBS_http) $(LIBS_codec) $(LIBS_secure) $(LIBS_store)))
$(eval $(call test_program,e2e,$(HTTP_TEST) $(TLS_TEST) $(GRU),$(LIBS_secure)))

# In the order of the layers; each ends with libcheck's summary line.
TESTS := json kernels engine base config commands confine secure store service codec http e2e

# Every input that a fuzz target has met and is to remember.
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYED     := $(if $(filter thread,$(SAN)),request,$(FUZZ_TARGETS))

all-tests: all $(patsubst %,$(BUILD)/tests/test-%,$(TESTS)) $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz-%)

test: test-packages ## install what is missing, build, run every test (SAN=address, SAN=thread: under a sanitizer)
	@$(MAKE) --no-print-directory test-run

# Sanitizers want to see the process that they watch: no fork per test. TSan is for what has threads.
test-run: all-tests
	@$(if $(SAN),true,tests/checks/hardening.sh $(BUILD))
	@$(if $(SAN),true,tests/checks/unit.sh $(BUILD))
	@set -e; for t in $(if $(filter thread,$(SAN)),secure service http e2e,$(TESTS)); do \
	  echo "-- $$t"; GRUD=$(BUILD)/grud $(if $(SAN),CK_FORK=no) $(BUILD)/tests/test-$$t; done
	@$(if $(SAN),true,if grep -q ^Seccomp: /proc/self/status; then \
	  echo "-- e2e, below the filter of system calls"; GRUD=$(BUILD)/grud GRUD_SECCOMP=yes $(BUILD)/tests/test-e2e; \
	  else echo "-- e2e, below the filter of system calls: SKIPPED, this kernel has none"; fi)
	@set -e; for k in $(if $(SAN),,$(KERNEL_LEVELS)); do \
	  echo "-- engine, $$k kernels"; GRUD_KERNELS=$$k $(BUILD)/tests/test-engine; done
	@set -e; for t in $(REPLAYED); do \
	  $(BUILD)/tests/fuzz-$$t tests/fuzz/corpus/$$t tests/fuzz/findings/$$t; done

$(BUILD)/tests/crash-test: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/crash/*.c)) $(BUILD)/tests/e2e/daemon.o $(HTTP_TEST) $(BUILD)/service.a $(BUILD)/store.a $(BUILD)/config.a $(BUILD)/base.a $(GRU)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_store) $(TEST_LIBS)

CYCLES ?= 20
SEED   ?=
crash-test: test-packages all $(BUILD)/tests/crash-test ## kill grud CYCLES times, damage its files, compare all sessions with a twin's (SEED=n: the same again)
	@GRUD=$(BUILD)/grud $(BUILD)/tests/crash-test $(CYCLES) $(SEED)

config-files: $(BUILD)/tests/test-config ## rewrite config/grud.conf and config/grud.1 from the table of options
	UPDATE_FILES=1 CK_RUN_SUITE=test_config_print.c $(BUILD)/tests/test-config

# ---- fuzzing: one program per target, linked with libFuzzer (SAN=fuzz), or with the replay of known inputs ----
FUZZ_PACKAGES := $(BUILD_PACKAGES) clang libclang-rt-14-dev
FUZZ_LIBS     := $(LIBS_http) $(LIBS_codec) $(LIBS_secure) $(LIBS_store) $(LIBS_base)
SECONDS       ?= 60

$(BUILD)/tests/fuzz-%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/fuzz.o $(if $(filter fuzz,$(SAN)),,$(BUILD)/tests/fuzz/replay.o) \
  $(BUILD)/http.a $(BUILD)/codec.a $(BUILD)/service.a $(BUILD)/store.a $(BUILD)/secure.a $(BUILD)/config.a $(BUILD)/base.a $(GRU)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) $(if $(filter fuzz,$(SAN)),-fsanitize=fuzzer) -o $@ $^ $(FUZZ_LIBS)

fuzz-packages:
	$(call packages,$(FUZZ_PACKAGES))
fuzz-programs: $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz-%)
fuzz: fuzz-packages ## search for inputs that break a law: each target for SECONDS (60)
	@$(MAKE) --no-print-directory SAN=fuzz fuzz-programs
	@tests/fuzz/fuzz.sh build/fuzz $(SECONDS) $(FUZZ_TARGETS)

# ---- faults: a driver, and the shim that it preloads into the daemon ----
$(BUILD)/tests/faults/shim.so: tests/faults/shim.c tests/faults/control.h
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -U_FORTIFY_SOURCE -fno-builtin -fPIC -shared -o $@ $< -ldl

$(BUILD)/tests/faults/driver: $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/shim.c,$(wildcard tests/faults/*.c)) tests/e2e/daemon.c) $(HTTP_TEST)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lm

fault-test: test-packages build/grud build/tests/faults/shim.so build/tests/faults/driver ## let calls fail in turn (SCENARIO=, CLASS=, AT=: one of them; STRIDE=1: all)
	@env -u GRU_URL -u OPENBLAS_CORETYPE GRUD=build/grud SHIM=$(CURDIR)/build/tests/faults/shim.so \
	  SCENARIO=$(SCENARIO) CLASS=$(CLASS) AT=$(AT) STRIDE=$(STRIDE) build/tests/faults/driver

# ---- arm64: cross-compiled with Debian's compiler and libraries, run below qemu-user ----
ARM64_PACKAGES := gcc-aarch64-linux-gnu qemu-user-static
ARM64          := build/arm64

arm64: test-packages ## build daemon, library and tests for arm64 (on Debian)
	$(call packages,$(ARM64_PACKAGES))
	@tests/arm64/sysroot.sh $(ARM64)/sysroot $(filter %-dev check,$(TEST_PACKAGES))
	@$(MAKE) --no-print-directory CC="aarch64-linux-gnu-gcc --sysroot=$(CURDIR)/$(ARM64)/sysroot" AR=aarch64-linux-gnu-ar \
	  BUILD=$(ARM64) all-tests
	@tests/checks/hardening.sh $(ARM64)

# By hand: ten minutes.
arm64-test: arm64 all-tests ## run the tests for arm64 below qemu-user
	@tests/arm64/run.sh $(BUILD) $(ARM64) $(TESTS)

# ---- checks ----
SOURCES  := $(wildcard lib/*.h lib/*/*.[ch] lib/*/*/*.[ch] server/*.[ch] server/*/*.[ch] server/*/*/*.[ch] \
              tests/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])
SCRIPTS  := $(wildcard docker/*.sh tests/*.sh tests/*/*.sh examples/*/*.sh)

layers: ## check that no include runs upward and foreign headers stay hidden
	@tests/checks/layers.sh

drain-test: test-packages all-tests ## SIGTERM at CYCLES random moments under load: nothing that was accepted may be lost
	@DRAIN_CYCLES=$(CYCLES) CK_TIMEOUT_MULTIPLIER=$(CYCLES) CK_RUN_SUITE=test_drain.c GRUD=$(BUILD)/grud $(BUILD)/tests/test-e2e

format: ## format the sources
	@clang-format -i $(SOURCES)

format-check:
	@clang-format --dry-run -Werror $(SOURCES)

# One file at a time: clang-tidy 14 mistakes va_lists of one file for another's.
tidy: check-packages format-check layers ## clang-tidy, clang-format, shellcheck, layers
	@shellcheck -x -S warning $(SCRIPTS)
	@printf '%s\n' $(filter-out lib/kernels/simd%,$(filter %.c,$(SOURCES))) | xargs -P $$(nproc) -I{} \
	  clang-tidy -quiet {} -- $(CPPFLAGS) $(CSTD) -DGRUD_COMMIT='""' -Iserver -Itests -Ilib

check: tidy test ## everything that must be clean

MINUTES ?= 2
$(BUILD)/tests/soak/soak: $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/soak/*.c)) $(BUILD)/tests/e2e/daemon.o $(HTTP_TEST) $(GRU)
	$(call say,LD,$@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS_base)

kubernetes-test: test-packages all ## check config/kubernetes against the schemas of Kubernetes, and against grud
	$(call packages,python3-venv)
	@GRUD=$(BUILD)/grud tests/checks/kubernetes.sh

# By hand, where the first time may take ten minutes.
kubernetes-server-test: test-packages ## have a real Kubernetes API server take config/kubernetes
	@tests/checks/kubernetes-server.sh

# By hand, and likewise.
kubernetes-pod-test: test-packages docker ## run config/kubernetes on a real node of Kubernetes
	$(call packages,containerd runc containernetworking-plugins iproute2 util-linux)
	@tests/checks/kubernetes-pod.sh

systemd-test: docker-base ## install grud on a Debian that boots in a container, and run it there as a service
	@PACKAGES="$(BUILD_PACKAGES)" tests/systemd/run.sh

# By hand: half an hour on two idle cores.
valgrind: test-packages ## every test under valgrind's memcheck, the daemon of the end-to-end tests too
	$(call packages,valgrind)
	@$(MAKE) --no-print-directory all-tests
	@tests/checks/valgrind.sh $(BUILD) $(TESTS)

soak: test-packages all $(BUILD)/tests/soak/soak ## drive the daemon with everything at once for MINUTES=n (2)
	@GRUD=$(BUILD)/grud $(BUILD)/tests/soak/soak $(MINUTES)

# ---- the image ----
IMAGE ?= grud
BASE  ?= debian:bookworm-slim
# The distribution's client before another one in the path: older ones need to be told to use BuildKit, newer ones know it.
docker docker-base docker-test kubernetes-pod-test systemd-test: export DOCKER = $(shell test -x /usr/bin/docker && echo /usr/bin/docker || echo docker)
export DOCKER_BUILDKIT ?= 1
export BASE IMAGE

docker-base: # a Docker engine and the base image
	@docker/local-base.sh up

docker: docker-base ## build the image, and that of the feeder
	$(DOCKER) build -f docker/Dockerfile --target run --build-arg BASE=$(BASE) --build-arg VERSION=$(VERSION) \
	  --build-arg REVISION=$(COMMIT) --build-arg CREATED="$$(git show -s --format=%cI 2>/dev/null)" -t $(IMAGE) -t $(IMAGE):$(VERSION) .
	$(DOCKER) build -f docker/Dockerfile --target feeder --build-arg BASE=$(BASE) -t $(IMAGE)-feeder -t $(IMAGE)-feeder:$(VERSION) .

docker-test: test-packages docker all ## run the image as its users would, and check what it does
	@GRUD=$(BUILD)/grud tests/docker/run.sh

# ---- running ----
run: build-packages ## build, start grud on 127.0.0.1:8080 with the demo model, feed it this machine's readings
	$(call packages,$(RUN_PACKAGES))
	@$(MAKE) --no-print-directory all
	@GRUD=$(BUILD)/grud examples/host-load/run.sh

include mk/bench.mk

# ---- installing ----
install: all ## install into PREFIX (default /usr/local) and SYSCONFDIR (/etc), below DESTDIR
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin lib/pkgconfig lib/systemd/system include share/man/man1 share/doc/grud) $(DESTDIR)$(SYSCONFDIR)/grud
	install -m 755 $(BUILD)/grud $(DESTDIR)$(PREFIX)/bin/grud
	install -m 644 lib/gru.h lib/gru_choices.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 $(BUILD)/libgru.a $(DESTDIR)$(PREFIX)/lib/libgru.a
	install -m 755 $(BUILD)/libgru.so $(DESTDIR)$(PREFIX)/lib/libgru.so.$(VERSION)
	ln -sf libgru.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/libgru.so.0
	ln -sf libgru.so.0 $(DESTDIR)$(PREFIX)/lib/libgru.so
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' config/libgru.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/libgru.pc
	install -m 644 config/grud.1 $(DESTDIR)$(PREFIX)/share/man/man1/grud.1
	sed -e 's|/usr/local|$(PREFIX)|' -e 's|/etc/|$(SYSCONFDIR)/|' config/grud.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/grud.service
	test -e $(DESTDIR)$(SYSCONFDIR)/grud/grud.conf || install -m 644 config/grud.conf $(DESTDIR)$(SYSCONFDIR)/grud/grud.conf
	install -m 644 README.md $(wildcard docs/*.md) config/grud.conf $(DESTDIR)$(PREFIX)/share/doc/grud/

clean: ## remove what was built
	rm -rf build

-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
