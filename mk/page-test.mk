# What checks and tests the page. npm brings the tools into build/npm; where it cannot, what needs
# them is SKIPPED, and says so.
PAGE_TOOLS    := build/npm/node_modules/.brought
PAGE_SOURCES  := 'server/page/*.{js,css,html,d.ts}' 'server/page/views/*.js' 'tests/page/*.mjs' 'tests/metrics/*.ts'

.PHONY: page-tools page-check page-format page-test page-pictures bench-page
# It never fails: what needs the tools says what is missing.
page-tools:
	-@command -v npm >/dev/null || mk/packages.sh nodejs npm
	@if [ ! -e $(PAGE_TOOLS) ] || [ tests/page/package-lock.json -nt $(PAGE_TOOLS) ]; then \
	  mkdir -p build/npm && cp tests/page/package.json tests/page/package-lock.json tests/page/.npmrc build/npm/ && \
	  if ! command -v npm >/dev/null; then echo "page: there is no npm"; \
	  elif (cd build/npm && npm ci --no-audit --no-fund --loglevel=error >npm.log 2>&1); then touch $(PAGE_TOOLS); \
	  else echo "page: npm cannot bring its packages; build/npm/npm.log says why"; fi; fi

page-check: page-tools ## check the page's types (tsc) and form (prettier)
	@if [ -e $(PAGE_TOOLS) ]; then \
	  build/npm/node_modules/.bin/tsc -p tests/page/tsconfig.json && \
	  build/npm/node_modules/.bin/prettier --config tests/page/package.json --log-level warn --check $(PAGE_SOURCES); \
	else echo "page-check: SKIPPED, npm has not brought tsc and prettier"; fi

page-format: page-tools
	@build/npm/node_modules/.bin/prettier --config tests/page/package.json --log-level warn --write $(PAGE_SOURCES)

page-test: test-packages all page-tools ## look at the page in a real browser: live charts, jobs by clicks, keys, axe
	-$(call packages,chromium)
	@GRUD=$(BUILD)/grud tests/page/run.sh

page-pictures: all page-tools ## make the README's pictures of the page anew
	@GRUD=$(BUILD)/grud tests/page/run.sh tests/page/pictures.mjs

bench-page: all page-tools ## how much of a processor the page takes: 10 000 readings, 60 more a second
	@GRUD=$(BUILD)/grud tests/page/run.sh tests/page/measure.mjs
