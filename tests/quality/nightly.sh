#!/usr/bin/env bash
# nightly.sh [FOLDER]: for a timer. Builds, makes the table of docs/FORECASTING.md, with the series
# of FOLDER if it is given, and keeps it by its day in build/quality-tables. Fails if a row has
# missed its goal (datasets.py), and says which.
set -euo pipefail
cd "$(dirname "$0")/../.."
tables=build/quality-tables
make build-packages all
mkdir -p "$tables"
table=$tables/$(date +%F)-$(git rev-parse --short HEAD).md
tests/quality/run.sh build ${1:+--data "$1"} >"$table" || {
    code=$?
    echo "nightly: see $table" >&2
    exit "$code"
}
