#!/bin/sh
# What prediction intervals, and `anomaly`, add to a step over HTTP: the server's processor time for
# a step with one level, or with `anomaly`, beside one without, one step ahead and for forecasts of
# 12 rows. Steps with and without are those of one server, at one fixed rate (half of what it can do
# without), in short rounds in alternating order. Ratios are of pairs in a round.
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
set_ahead_bodies

load() { # NAME RATE SESSIONS BODY: one round, its line is added to the file NAME
    load_generator -c "$clients" -s "$seconds" -r "$2" -p "$pid" \
        "$port" "/v1/models/bench/sessions/$3%d/step" "$4" >>"$work/$1" || {
        echo "bench_intervals: answers that are not 200" >&2
        exit 1
    }
}
pair() { # NAME BODY BODY_WITH WORDS SESSIONS: of what it is with
    rate=$(body=$2 half_of_capacity "$port" '/v1/models/bench/sessions/w%d/step')
    round=0
    while [ $round -lt "$rounds" ]; do
        [ $((round % 2)) = 0 ] || load "$1_with" "$rate" "$5" "$3"
        load "$1" "$rate" p "$2"
        [ $((round % 2)) = 1 ] || load "$1_with" "$rate" "$5" "$3"
        round=$((round + 1))
    done
    ! grep -v -q refused=0.0000 "$work/$1" "$work/$1_with"
    # the words of a summary are its median, least and most
    # shellcheck disable=SC2046
    set -- "$1" "$4" $(column "$1" cpu_us | summary) $(column "$1_with" cpu_us | summary) \
        $(ratios "$1_with" "$1" cpu_us)
    printf '%-13s %6s/s: %7.2f us, with %s %7.2f us; ratio %.3f (%.3f..%.3f)\n' \
        "$1" "$rate" "$3" "$2" "$6" "$9" "${10}" "${11}"
}
printf 'processor time a step, %s rounds of %s s, %s clients, one worker, H=64, 4 inputs\n' \
    "$rounds" "$seconds" "$clients"
pair one "$body" "$body_level" 'a level' l
pair ahead "$body_ahead" "$body_ahead_level" 'a level' l
pair one_anomaly "$body" "$body_anomaly" anomaly a
pair ahead_anomaly "$body_ahead" "$body_ahead_anomaly" anomaly a
echo 'medians (least..most); one: no horizon; ahead: a horizon of 12'
