# Tests: one program per layer, linked with that layer and those below, so that a call upward does
# not link.
CHECK_LIBS := -lcheck -lsubunit -lrt -lpthread -lm

LIB_TESTS     := tests/json/% tests/kernels/% tests/engine/%
test_includes = $(if $(filter $(LIB_TESTS),$(1)),,-Iserver) -Itests -Ilib
$(BUILD)/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(COMPILE) $(call test_includes,$<) -c $< -o $@

# ---- what several programs share ----
test_objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)))
SCRATCH      := $(BUILD)/tests/scratch.o
CERTIFICATES := $(BUILD)/tests/certificates.o
DEFLATE      := $(BUILD)/tests/deflate_bytes.o
HTTP_CLIENT  := $(call test_objects,tests/http_*.c)
SYSTEM       := $(BUILD)/tests/system_control.o
A_DAEMON     := $(BUILD)/tests/e2e/daemon.o $(HTTP_CLIENT)

# Preloaded into a daemon by system_control.c.
SYSTEM_SHIM := $(BUILD)/tests/system_shim.so
$(SYSTEM_SHIM): tests/system_shim.c tests/system_control.h
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(COMPILE) $(if $(SAN),-fno-sanitize=all) -fPIC -shared -o $@ $< $(LDFLAGS)

# ---- the programs ----
SHARED_base     := $(SCRATCH) $(DEFLATE)
SHARED_config   := $(SCRATCH)
SHARED_commands := $(SCRATCH)
SHARED_http     := $(SCRATCH) $(DEFLATE)
SHARED_secure   := $(CERTIFICATES)
SHARED_service  := $(SCRATCH) $(CERTIFICATES) $(BUILD)/tests/cluster/engine.o $(BUILD)/tests/store/filled_jobs.o
SHARED_cluster  := $(SCRATCH) $(CERTIFICATES)
SHARED_e2e      := $(SCRATCH) $(CERTIFICATES) $(HTTP_CLIENT) $(SYSTEM) $(DEFLATE) $(BUILD)/tests/cluster/engine.o
LAYERS_e2e      := base
TEST_LIBS_e2e   := $(LIBS_secure) -lz

# In the order of the layers; each ends with libcheck's summary line.
LAYER_TESTS := json kernels engine base config commands confine secure cluster store webhook service codec http e2e
TESTS       := $(LAYER_TESTS) infer

define test_program
$(BUILD)/tests/test-$(1): $(call test_objects,tests/$(1)/*.c tests/$(1)/*/*.c) \
  $(BUILD)/tests/main.o $(SHARED_$(1)) $(call archives,$(LAYERS_$(1)))
	$$(call say,LD,$$@)
	$$(Q)$$(LINK) -o $$@ $$^ $(TEST_LIBS_$(1)) $(call libraries_of,$(LAYERS_$(1))) $$(CHECK_LIBS)
endef
$(foreach t,$(LAYER_TESTS),$(eval $(call test_program,$(t))))

# A disk whose syncs are held, for the daemon of the end-to-end tests; never under a sanitizer.
$(BUILD)/tests/held_disk.so: tests/held_disk.c
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -O2 -Wall -Wextra -D_GNU_SOURCE -fPIC -shared -o $@ $<
$(BUILD)/tests/test-e2e: | $(BUILD)/tests/held_disk.so

# The engine's tests again, but for training's, on the library that has none.
$(BUILD)/tests/test-infer: $(call test_objects,tests/engine/*.c tests/engine/file/*.c) \
  $(BUILD)/tests/main.o $(GRU_INFER)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(CHECK_LIBS)

# Every input that a fuzz target has met and is to remember.
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
REPLAYED     := $(if $(filter thread,$(SAN)),request,$(FUZZ_TARGETS))

.PHONY: all-tests test test-run browser-test metrics-test crash-test drain-test soak config-files api-docs valgrind
all-tests: all $(TESTS:%=$(BUILD)/tests/test-%) $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz-%)

test: test-packages ## install what is missing, build, run every test (SAN=address, SAN=thread: under a sanitizer)
	@$(MAKE) --no-print-directory $(ALL_PROCESSORS) all-tests
	@$(MAKE) --no-print-directory $(ALL_PROCESSORS) -k -Otarget test-run

# ---- a run ----
# In pieces, each with a log of its own. One a processor is at work at once: jobs are trained with
# what others leave of it, and would wait for long beside more. All are run, whichever fails.
PIECE = @tests/piece.sh $(BUILD)/tests/log $(@:run/%=%)

# Each file of the end-to-end tests is one, and of those of the service, which last long under a
# sanitizer. What lasts longest begins first.
E2E_LONGEST := $(addprefix test_,$(addsuffix .c,page_commands cluster_jobs long webhooks drain \
                 interval_versions long_steps rules cluster_loss cluster_models transforms streams))
# These run what pages, examples and the Makefile say, and once is enough: plain.
E2E_SHOWN   := $(addprefix test_,$(addsuffix .c,page_commands examples make_run))
E2E_FILES   := $(E2E_LONGEST) $(filter-out $(E2E_LONGEST),$(notdir $(wildcard tests/e2e/test_*.c)))
E2E_FILES   := $(filter-out $(if $(SAN),$(E2E_SHOWN)),$(E2E_FILES))
# TSan is for what has threads: scores and most layers have none, and that jobs with a recipe are run
# by the same one as others is tested end to end. Plain, the engine is tested at each level of kernels.
SERVICE_FILES := $(filter-out $(if $(filter thread,$(SAN)),\
                   tests/service/scores/% tests/service/jobs/test_job_run_recipe.c),\
                   $(shell find tests/service -name 'test_*.c'))
LONG_LAYERS   := $(if $(filter thread,$(SAN)),,store $(if $(SAN),engine,$(KERNEL_LEVELS:%=engine-%)))
SHORT_LAYERS  := $(if $(filter thread,$(SAN)),http secure,\
                   $(filter-out e2e service engine $(LONG_LAYERS),$(TESTS)))
FILE_PIECES  := $(E2E_FILES:%=run/e2e/%) $(patsubst %,run/service/%,$(notdir $(SERVICE_FILES)))
FUZZ_PIECES  := $(REPLAYED:%=run/fuzz-%)
LAYER_PIECES := $(addprefix run/,$(LONG_LAYERS) $(SHORT_LAYERS))
# What is the same under a sanitizer.
PLAIN_PIECES := $(if $(SAN),,$(addprefix run/,python-client js-client pytorch-example hardening unit \
                  install packages))

# The end-to-end tests run below the filter of system calls, but for those under a sanitizer, which
# makes calls of its own.
HAS_FILTER := $(if $(SAN),,$(shell grep ^Seccomp: /proc/self/status))
ifeq ($(SAN)$(HAS_FILTER),)
PLAIN_PIECES += run/filter
endif

.PHONY: $(FILE_PIECES) $(LAYER_PIECES) $(FUZZ_PIECES) $(PLAIN_PIECES)
test-run: $(LONG_LAYERS:%=run/%) $(FILE_PIECES) $(LAYER_PIECES) $(PLAIN_PIECES) $(FUZZ_PIECES)

# Sanitizers need to see the process that they watch: no fork per test.
$(FILE_PIECES) $(LAYER_PIECES): export CK_FORK := $(if $(SAN),no,yes)
$(FILE_PIECES) $(LAYER_PIECES) $(PLAIN_PIECES): export GRUD := $(BUILD)/grud
$(E2E_FILES:%=run/e2e/%): export GRUD_SECCOMP := $(if $(HAS_FILTER),yes,no)
$(FILE_PIECES): run/%:
	$(PIECE) env CK_RUN_SUITE=$(@F) $(BUILD)/tests/test-$(patsubst run/%/,%,$(@D)/)

$(filter-out run/engine-%,$(LAYER_PIECES)): run/%:
	$(PIECE) $(BUILD)/tests/test-$*

$(FUZZ_PIECES): run/fuzz-%:
	$(PIECE) $(BUILD)/tests/fuzz-$* tests/fuzz/corpus/$* tests/fuzz/findings/$*

run/filter:
	@echo "-- e2e: SKIPPED below a filter of system calls, which this kernel has not; run without"

$(KERNEL_LEVELS:%=run/engine-%): run/engine-%:
	$(PIECE) env GRUD_KERNELS=$* $(BUILD)/tests/test-engine

run/python-client run/js-client: run/%:
	$(PIECE) $(MAKE) --no-print-directory $*-run

run/pytorch-example:
	$(PIECE) examples/pytorch/run.sh

run/hardening run/unit run/install: run/%:
	$(PIECE) tests/checks/$*.sh $(BUILD)

run/packages:
	$(PIECE) tests/checks/packages_test.sh

config-files: $(BUILD)/tests/test-config $(BUILD)/tests/test-commands $(BUILD)/tests/test-http ## rewrite what is printed from tables: config/grud.conf, man pages, scripts of shells, docs/METRICS.md
	UPDATE_FILES=1 CK_RUN_SUITE=test_config_print.c $(BUILD)/tests/test-config
	UPDATE_FILES=1 CK_RUN_SUITE=test_manual.c $(BUILD)/tests/test-commands
	UPDATE_FILES=1 CK_RUN_SUITE=test_figures.c $(BUILD)/tests/test-http

api-docs: $(BUILD)/tests/test-http ## rewrite the tables of docs/API.md from the tables of routes and schemas
	UPDATE_FILES=1 CK_RUN_SUITE=test_api_page.c $(BUILD)/tests/test-http

# ---- longer ones ----
CYCLES  ?= 20
SEED    ?=
MINUTES ?= 2

$(BUILD)/tests/crash-test: $(call test_objects,tests/crash/*.c) $(A_DAEMON) \
  $(call archives,$(LAYERS_service))
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(call libraries_of,$(LAYERS_service)) $(CHECK_LIBS)

crash-test: test-packages all $(BUILD)/tests/crash-test $(BUILD)/tests/test-service ## mix old and new sectors as power failures do; kill grud CYCLES times, damage its files, compare all sessions with a twin's, then damage TRIALS whole directories (SEED=n: the same again)
	@GRUD_POWER_MIXTURES=300 GRUD_POWER_SEED='$(SEED)' GRUD_TEST_FIGURES=1 \
	  CK_RUN_SUITE=test_power.c $(BUILD)/tests/test-service
	@GRUD=$(BUILD)/grud $(BUILD)/tests/crash-test $(CYCLES) '$(SEED)' $(TRIALS)

drain-test: test-packages all-tests ## SIGTERM at CYCLES random moments under load: nothing that was accepted may be lost
	@DRAIN_CYCLES=$(CYCLES) CK_TIMEOUT_MULTIPLIER=$(CYCLES) CK_RUN_SUITE=test_drain.c \
	  GRUD=$(BUILD)/grud $(BUILD)/tests/test-e2e

# The tool alone: Debian's package would start a server.
PROMTOOL := $(or $(shell command -v promtool 2>/dev/null),$(BUILD)/prometheus/usr/bin/promtool)
$(BUILD)/prometheus/usr/bin/promtool:
	@mkdir -p $(BUILD)/prometheus
	$(call say,GET,$@)
	$(Q)cd $(BUILD)/prometheus && apt-get -q download prometheus >/dev/null && \
	  dpkg-deb -x prometheus_*.deb .

metrics-test: test-packages all page-tools $(PROMTOOL) ## have Prometheus' promtool check metrics, alert rules and their tests, and compare the board with a live daemon and Grafana's types
	@GRUD=$(BUILD)/grud PROMTOOL=$(PROMTOOL) tests/metrics/run.sh

browser-test: test-packages all ## show pages of other origins in a real browser: what they try changes nothing
	-$(call packages,$(BROWSER_PACKAGES))
	@GRUD=$(BUILD)/grud tests/browser/run.sh

$(BUILD)/tests/test-e2e: | $(SYSTEM_SHIM)

$(BUILD)/tests/soak/soak: $(call test_objects,tests/soak/*.c) $(A_DAEMON) $(SYSTEM) $(GRU) \
  | $(SYSTEM_SHIM)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ $(LIBS_base)

soak: test-packages all $(BUILD)/tests/soak/soak ## drive the daemon with everything at once for MINUTES=n (2)
	@GRUD=$(BUILD)/grud $(BUILD)/tests/soak/soak $(MINUTES)

# By hand: half an hour on two idle cores.
valgrind: test-packages ## every test under valgrind's memcheck, the daemon of the end-to-end tests too
	$(call packages,valgrind)
	@$(MAKE) --no-print-directory all-tests
	@tests/checks/valgrind.sh $(BUILD) $(LAYER_TESTS)
