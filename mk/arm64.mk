# arm64: cross-compiled with Debian's compiler and libraries, run below qemu-user.
ARM64 := build/arm64

.PHONY: arm64 arm64-test
arm64: test-packages ## build daemon, libraries and tests for arm64 (on Debian)
	$(call packages,$(ARM64_PACKAGES))
	@tests/arm64/sysroot.sh $(ARM64)/sysroot $(filter %-dev check,$(TEST_PACKAGES))
	@$(MAKE) --no-print-directory CC="aarch64-linux-gnu-gcc --sysroot=$(CURDIR)/$(ARM64)/sysroot" \
	  AR=aarch64-linux-gnu-ar BUILD=$(ARM64) all-tests
	@tests/checks/hardening.sh $(ARM64)

# By hand: ten minutes.
arm64-test: arm64 all-tests ## run the tests for arm64 below qemu-user
	@tests/arm64/run.sh $(BUILD) $(ARM64) $(LAYER_TESTS)
