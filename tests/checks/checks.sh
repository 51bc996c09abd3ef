# checks.sh - what scripts say of each thing that must hold; to be read by them (`.`), with $work, a
# folder of their own.
# shellcheck shell=bash disable=SC2154 # $work comes from there
n_ok=0
n_failed=0

ok() {
    n_ok=$((n_ok + 1))
    echo "ok     $1"
}

failed() {
    n_failed=$((n_failed + 1))
    echo "FAILED $1"
}

# check FACT COMMAND...
check() {
    local fact=$1
    shift
    if "$@" >"$work/said" 2>&1; then ok "$fact"; else failed "$fact: $* said: $(tail -n 5 "$work/said")"; fi
}

# is FACT WANTED GOT
is() {
    if [ "$2" = "$3" ]; then ok "$1"; else failed "$1: wanted '$2', got '$3'"; fi
}

# like FACT PATTERN GOT
like() {
    if [[ $3 =~ $2 ]]; then ok "$1"; else failed "$1: wanted $2, got '$3'"; fi
}

# The last word of a test.
finish() {
    echo "       $n_ok ok, $n_failed failed"
    [ "$n_failed" -eq 0 ]
}
