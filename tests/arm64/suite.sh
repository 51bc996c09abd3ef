#!/bin/sh
# suite.sh LAYER/FILE - runs the tests of one file below qemu-user, as run.sh has set it up, and prints a line, or all that was said
# if one failed. Tests that cannot run there are named, with the reason. The end-to-end tests are this machine's own build: what
# runs below qemu-user is the grud that they start.
set -eu
layer=${1%/*}
file=${1#*/}
log=$BELOW_BUILD/logs/$layer-$file

why=
case $1 in
confine/test_calls.c) why="qemu-user has no filters of system calls" ;;
e2e/test_overload.c) why="what is refused depends on speed, and the tests expect a machine's own" ;;
esac
if [ -n "$why" ]; then
    sed -n "s|^TEST(\(.*\))|$1: \1: SKIPPED, $why|p" "tests/$1"
    exit 0
fi

began=$(date +%s)
code=0
if [ "$layer" = e2e ]; then
    CK_RUN_SUITE=$file GRUD=tests/checks/below-grud.sh "$HOST_BUILD/tests/test-e2e" >"$log" 2>&1 || code=$?
else
    CK_RUN_SUITE=$file $BELOW "$BELOW_BUILD/tests/test-$layer" >"$log" 2>&1 || code=$?
fi
checks=$(sed -n 's/.*Checks: \([0-9]*\),.*/\1/p' "$log")
if [ "$code" != 0 ] || [ "${checks:-0}" = 0 ]; then
    sed "s|^|$1: |" "$log" >&2
    echo "$1: FAILED, exit code $code" >&2
    exit 1
fi
echo "$1: $checks checks, $(($(date +%s) - began)) s"
sed -n "/SKIPPED/s|^|$1: |p" "$log"
