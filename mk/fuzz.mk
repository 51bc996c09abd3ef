# Fuzzing: one program per target, linked with libFuzzer (SAN=fuzz), or with the replay of known
# inputs.
SECONDS ?= 60

$(BUILD)/tests/fuzz-%: $(BUILD)/tests/fuzz/fuzz_%.o $(BUILD)/tests/fuzz/fuzz.o $(DEFLATE) \
  $(if $(filter fuzz,$(SAN)),,$(BUILD)/tests/fuzz/replay.o) $(call archives,commands $(LAYERS_http))
	$(call say,LD,$@)
	$(Q)$(LINK) $(if $(filter fuzz,$(SAN)),-fsanitize=fuzzer) -o $@ $^ \
	  $(call libraries_of,$(LAYERS_http))

.PHONY: fuzz fuzz-programs
fuzz-programs: $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz-%)
fuzz: fuzz-packages ## search for inputs that break a law: each target for SECONDS (60)
	@$(MAKE) --no-print-directory SAN=fuzz fuzz-programs
	@tests/fuzz/fuzz.sh build/fuzz $(SECONDS) $(FUZZ_TARGETS)
