# Checks of the sources.
SOURCES := $(wildcard lib/*.h lib/*/*.[ch] lib/*/*/*.[ch] \
             server/*.[ch] server/*/*.[ch] server/*/*/*.[ch] \
             tests/*.[ch] tests/*/*.[ch] tests/*/*/*.[ch])
SCRIPTS := $(wildcard mk/*.sh docker/*.sh tests/*.sh tests/*/*.sh examples/*.sh examples/*/*.sh \
             clients/*/tests/*.sh)

.PHONY: includes layers format format-check tidy check compile_commands.json
includes: # that none runs upward, and that foreign headers stay hidden
	@tests/checks/layers.sh includes

layers: includes $(LIB_OBJECTS) $(SERVER_OBJECTS) ## check that no include or call runs upward, and that files do not call in circles
	@NM=$(NM) tests/checks/layers.sh symbols $(BUILD) $(filter %.o,$^)

format: ## format the sources
	@clang-format -i $(SOURCES)

format-check:
	@clang-format --dry-run -Werror $(SOURCES)

# One file at a time: clang-tidy 14 mistakes va_lists of one file for another's.
tidy: check-packages format-check layers compile_commands.json ## clang-tidy, clang-format, shellcheck, mypy, tsc, layers, names, widths, codes
	@tests/checks/layers_test.sh
	@tests/checks/flags_test.sh
	@tests/checks/names.sh
	@tests/checks/widths.sh
	@tests/checks/codes.sh
	@tests/checks/vendor.sh
	@shellcheck -x -S warning $(SCRIPTS)
	@$(MAKE) --no-print-directory page-check
	@clients/js/tests/types.sh
	@for d in clients/python tools/convert; do mypy --no-error-summary --cache-dir $(BUILD)/mypy \
	  --config-file $$d/pyproject.toml || exit 1; done
	@printf '%s\n' $(filter-out lib/kernels/simd%,$(filter %.c,$(SOURCES))) | \
	  xargs -P $$(nproc) -I{} clang-tidy -quiet -p . {}

check: tidy test ## everything that must be clean

# From the commands that make itself would run. (A wrapper such as ccache is no compiler, and another
# compiler's warnings are no errors.)
compile_commands.json: ## how each source is compiled, for clangd and clang-tidy
	@commands=$$($(MAKE) -nB --no-print-directory V=1 WERROR= CC='$(filter-out ccache,$(CC))' \
	  all-tests $(addprefix $(BUILD)/tests/,soak/soak crash-test faults/driver)) && \
	  printf '%s\n' "$$commands" | tests/checks/compile_commands.sh >$@
