#!/bin/sh
# run.sh: shows pages of other origins in a real Chromium, beside the daemon $GRUD. SKIPPED where
# there is none; BROWSER names another one.
set -eu
cd "$(dirname "$0")"/../..
for browser in ${BROWSER:-chromium-headless-shell chromium google-chrome}; do
    if command -v "$browser" >/dev/null && command -v python3 >/dev/null; then
        exec python3 tests/browser/pages.py "$browser"
    fi
done
echo "browser: SKIPPED, there is no Chromium, or no Python"
