# Faults: a driver, and the shim that it preloads into the daemon.
$(BUILD)/tests/faults/shim.so: tests/faults/shim.c tests/faults/control.h
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(COMPILE) -U_FORTIFY_SOURCE -fno-builtin -fPIC -shared -o $@ $< $(LDFLAGS) -ldl

$(BUILD)/tests/faults/driver: \
  $(filter-out %/shim.o,$(call test_objects,tests/faults/*.c)) $(A_DAEMON)
	$(call say,LD,$@)
	$(Q)$(LINK) -o $@ $^ -lm

.PHONY: fault-test
fault-test: test-packages build/grud build/tests/faults/shim.so build/tests/faults/driver ## let calls fail in turn (SCENARIO=, CLASS=, AT=: one of them; STRIDE=1: all)
	@env -u GRU_URL -u OPENBLAS_CORETYPE GRUD=build/grud SHIM=$(CURDIR)/build/tests/faults/shim.so \
	  SCENARIO=$(SCENARIO) CLASS=$(CLASS) AT=$(AT) STRIDE=$(STRIDE) build/tests/faults/driver
