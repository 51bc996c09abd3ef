#!/bin/sh
# fuzz.sh BUILD SECONDS TARGET...: searches with each target in turn, from a copy of its corpus and past findings, and says
# what was tried. An input that breaks a law is kept below BUILD/findings and named; then the end is 1. It becomes a test by
# being moved to tests/fuzz/findings/TARGET, under a name that says what it found.
set -u
build=$1
seconds=$2
shift 2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
findings=$build/findings
mkdir -p "$findings"
failed=0

stat() { sed -n "s/^stat::$1: *//p" "$scratch/log"; }

printf '%-13s %12s %8s %8s %10s %10s  %s\n' target inputs seconds per_s new_units counters findings
for target; do
    corpus=$scratch/corpus-$target
    mkdir "$corpus"
    for folder in corpus findings; do
        [ -d "tests/fuzz/$folder/$target" ] && cp "tests/fuzz/$folder/$target"/* "$corpus"
    done
    dictionary=
    [ -f "tests/fuzz/$target.dict" ] && dictionary=-dict=tests/fuzz/$target.dict
    began=$(date +%s)
    "$build/tests/fuzz-$target" -max_total_time="$seconds" -timeout=60 -max_len=4096 -print_final_stats=1 \
        ${dictionary:+"$dictionary"} -artifact_prefix="$findings/$target-" "$corpus" >"$scratch/log" 2>&1
    code=$?
    took=$(($(date +%s) - began))
    counters=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$scratch/log" | tail -n 1)
    found=$(sed -n 's/.*Test unit written to //p' "$scratch/log" | head -n 1)
    printf '%-13s %12s %8s %8s %10s %10s  %s\n' "$target" "$(stat number_of_executed_units)" "$took" \
        "$(stat average_exec_per_sec)" "$(stat new_units_added)" "$counters" "${found:-none}"
    if [ "$code" -ne 0 ]; then
        failed=1
        grep -aE 'broken:|runtime error|ERROR:|SUMMARY' "$scratch/log" >&2
        [ -n "$found" ] || tail -n 20 "$scratch/log" >&2
    fi
done
exit $failed
