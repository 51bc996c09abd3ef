#!/bin/sh
# types.sh: TypeScript finds no fault in the types of the JavaScript client. SKIPPED where npm does
# not get TypeScript; the version is pinned, so that what it finds changes only with the sources.
set -eu
cd "$(dirname "$0")/.."
typescript=typescript@5.4.5
if ! npx --yes -p $typescript tsc --version >/dev/null 2>&1; then
    echo "types of the JavaScript client: SKIPPED, npx cannot get $typescript"
    exit 0
fi
npx --yes -p $typescript tsc -p .
