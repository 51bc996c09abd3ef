#!/bin/sh
# piece.sh FOLDER NAME COMMAND...: one of the pieces that a run of the tests is made of (mk/tests.mk).
# Its log is FOLDER/NAME.log. Prints how long it lasted and what it said; of libcheck's suites the line
# that counts. Ends as the command does, with all that it said if that is not well.
set -u
log=$1/$2.log
name=$2
shift 2
mkdir -p "$(dirname "$log")"
began=$(date +%s)
code=0
"$@" >"$log" 2>&1 || code=$?
seconds=$(($(date +%s) - began))
if [ "$code" != 0 ]; then
    echo "-- $name: FAILED with $code after $seconds s: $*"
    cat "$log"
    exit "$code"
fi
echo "-- $name ($seconds s)"
grep -v -e '^Running suite(s): ' -e '^ test_.*\.c$' "$log" || true # none is left, as well
