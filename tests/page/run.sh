#!/bin/sh
# run.sh [FILE...]: looks at the page of the daemon $GRUD in a real Chromium; FILE...: with these
# tests, or with a script that is none (measure.mjs, pictures.mjs).
# SKIPPED where there is no Chromium, no Node, or no npm that reaches its registry (build/npm).
# BROWSER names another Chromium.
set -eu
cd "$(dirname "$0")"/../..
skip() {
    echo "page: SKIPPED, $1"
    exit 0
}
[ -d build/npm/node_modules/playwright-core ] || skip "npm has not brought what drives a browser"
for browser in ${BROWSER:-chromium google-chrome chromium-headless-shell}; do
    if command -v "$browser" >/dev/null; then
        BROWSER=$(command -v "$browser")
        export BROWSER
        [ $# -gt 0 ] || set -- tests/page/*.test.mjs
        case $1 in *measure.mjs | *pictures.mjs) exec node "$1" ;; esac
        exec node --test --test-reporter=spec "$@"
    fi
done
skip "there is no Chromium"
