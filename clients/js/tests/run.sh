#!/bin/sh
# run.sh: the tests of the JavaScript client, against the daemon $GRUD. SKIPPED without Node 18.
set -eu
cd "$(dirname "$0")"
major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
if [ "$major" -lt 18 ]; then
    echo "JavaScript client: SKIPPED, there is no Node 18 or later"
    exit 0
fi
exec node --test ./*.test.js
