#!/bin/sh
# valgrind.sh - the tests under valgrind's memcheck, and with the end-to-end tests the daemon too
# (below-grud.sh). A line a suite; ends with 1 if a test failed, or anything was read or written
# where it must not be, used before it was set, or lost for good. valgrind's processor has no
# AVX-512: what the AVX2 kernels do is watched.
#
# Usage: valgrind.sh BUILD SUITE...      the logs of what was found stay in BUILD/valgrind
set -eu
build=$1
shift
logs=$build/valgrind
export CK_FORK=no BELOW_BUILD="$build" GRUD=tests/checks/below-grud.sh
failed=0
printf '%-8s %6s %8s %16s %8s\n' suite checks errors 'bytes lost' seconds
for suite in "$@"; do
    rm -rf "${logs:?}/$suite"
    mkdir -p "$logs/$suite"
    # The trainer's thread gives way to any other; --fair-sched lets it have its turn with valgrind's one lock.
    # What the C library frees for valgrind alone, at the end, are not all of its lookups of names.
    BELOW="valgrind --run-libc-freeres=no --fair-sched=yes --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --error-exitcode=99 --log-file=$logs/$suite/%p"
    export BELOW
    began=$(date +%s)
    code=0
    $BELOW "$build/tests/test-$suite" >"$logs/$suite/output" 2>&1 || code=$?
    seconds=$(($(date +%s) - began))
    checks=$(sed -n 's/.*Checks: \([0-9]*\),.*/\1/p' "$logs/$suite/output")
    errors=$(cat "$logs/$suite"/[0-9]* | awk '/ERROR SUMMARY:/ { n += $4 } END { print n + 0 }')
    lost=$(cat "$logs/$suite"/[0-9]* | awk '/definitely lost:/ { gsub(",", "", $4); n += $4 } END { print n + 0 }')
    printf '%-8s %6s %8s %16s %8s\n' "$suite" "${checks:-none}" "$errors" "$lost" "$seconds"
    if [ "$code" != 0 ] || [ "$errors" != 0 ]; then
        grep -E '^tests/.*:[EF]:|^[^ ]*:[0-9]+:[EF]:' "$logs/$suite/output" || true
        grep -lE 'ERROR SUMMARY: [1-9]' "$logs/$suite"/[0-9]* || true
        failed=1
    fi
done
exit $failed
