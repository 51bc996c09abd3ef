#!/bin/sh
# What a step costs over HTTP that asks for more: the server's processor time for a step with a
# level, with `anomaly`, `blend` or `crossing`, beside one that asks for nothing, one step ahead and
# for forecasts of 12 rows. All are steps of one server, at one fixed rate (half of what it can do
# of those that ask for nothing), in short rounds: each in its turn, the plain one in the middle, in
# alternating order. Ratios are of pairs in a round.
#
# Usage: bench_intervals.sh [ROUNDS [SECONDS [CLIENTS]]]      BUILD, GRUD: see common.sh
set -eu
rounds=${1:-20}
seconds=${2:-1}
clients=${3:-16}
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

make_model "$work/models/bench.safetensors"
start_grud grud --models "$work/models"
set_bodies

step() { # KIND RATE: one round, its line is added to the file KIND; each kind has its own sessions
    eval "asked=\$$1"
    # shellcheck disable=SC2154 # the line before sets it
    load_generator -c "$clients" -s "$seconds" -r "$2" -p "$pid" \
        "$port" "/v1/models/bench/sessions/$1%d/step" "$asked" >>"$work/$1" || {
        echo "bench_intervals: answers that are not 200" >&2
        exit 1
    }
}
compare() { # PLAIN KIND...: names of bodies
    plain=$1
    shift
    eval "asked=\$$plain"
    rate=$(body=$asked half_of_capacity "$port" "/v1/models/bench/sessions/$plain%d/step")
    forth=$(printf '%s\n' "$@" | awk -v plain="$plain" -v middle=$(($# / 2)) '
        { print } NR == middle { print plain }')
    back=$(echo "$forth" | tac)
    for round in $(seq "$rounds"); do
        [ $((round % 2)) = 0 ] && kinds=$back || kinds=$forth
        for kind in $kinds; do
            step "$kind" "$rate"
        done
    done
    printf '\n%-22s %8s us        at %s a second\n' "$plain" \
        "$(column "$plain" cpu_us | summary | cut -d ' ' -f 1)" "$rate"
    for kind; do
        if grep -v -q refused=0.0000 "$work/$kind" "$work/$plain"; then
            echo "bench_intervals: steps that were refused" >&2
            exit 1
        fi
        # shellcheck disable=SC2046 # these are words
        set -- "$kind" $(column "$kind" cpu_us | summary) \
            $(quotients "$kind" "$plain" cpu_us | quartiles)
        printf '%-22s %8.2f us  %.3f (%.3f..%.3f)\n' "$1" "$2" "$5" "$6" "$7"
    done
}
printf 'processor time a step, %s rounds of %s s, %s clients, one worker, H=64, 4 inputs;\n' \
    "$rounds" "$seconds" "$clients"
echo 'medians, and ratios to a step that asks for nothing (quartiles)'
compare body body_level body_anomaly body_blend
compare body_ahead body_ahead_level body_ahead_levels body_ahead_anomaly body_ahead_blend \
    body_ahead_crossing
