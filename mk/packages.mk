# Packages: what is missing is installed, on Debian and its kin.
BUILD_PACKAGES := gcc libc6-dev pkg-config libmicrohttpd-dev libcjson-dev libxxhash-dev \
                  libsqlite3-dev libopenblas-dev libseccomp-dev libgnutls28-dev zlib1g-dev \
                  libcurl4-gnutls-dev libhiredis-dev
RUN_PACKAGES   := curl jq
TEST_PACKAGES  := $(BUILD_PACKAGES) binutils check libsubunit-dev curl jq openssl procps python3 \
                  redis-tools
CHECK_PACKAGES := binutils clang-format clang-tidy shellcheck mypy check libsubunit-dev systemd
BENCH_PACKAGES := libopenblas-dev util-linux procps python3 curl jq
OPTIONAL_PACKAGES := zsh fish mandoc nodejs
BROWSER_PACKAGES := chromium-headless-shell python3
FUZZ_PACKAGES  := $(BUILD_PACKAGES) clang libclang-rt-14-dev
ARM64_PACKAGES := gcc-aarch64-linux-gnu qemu-user-static

packages = @mk/packages.sh $(1)

.PHONY: build-packages test-packages check-packages bench-packages fuzz-packages
build-packages:
	$(call packages,$(BUILD_PACKAGES))
# Without the optional ones, tests that would run them say that they are skipped.
test-packages:
	$(call packages,$(TEST_PACKAGES))
	-$(call packages,$(OPTIONAL_PACKAGES))
check-packages:
	$(call packages,$(BUILD_PACKAGES) $(CHECK_PACKAGES))
bench-packages:
	$(call packages,$(BUILD_PACKAGES) $(BENCH_PACKAGES))
fuzz-packages:
	$(call packages,$(FUZZ_PACKAGES))
