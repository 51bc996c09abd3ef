#!/bin/sh
# What a thousand listeners cost those who stream: steps of SESSIONS sessions at one fixed rate,
# while nobody listens and while each session has a listener, in short rounds in alternating order
# on two servers alike. The ratio of the steps answered in a second is of pairs in a round; beside it
# the server's processor time for a step, the events included, and the latencies.
#
# Usage: bench_listeners.sh [ROUNDS [SECONDS [RATE [SESSIONS]]]]      BUILD, GRUD: see common.sh
set -eu
rounds=${1:-10}
seconds=${2:-2}
rate=${3:-5000}
sessions=${4:-1000}
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

make_model "$work/models/bench.safetensors"
# A port and a process id that a pipe of a further file descriptor reaches: closing it ends them.
mkfifo "$work/input"
start_grud heard --models "$work/models" --stream-max 10000
heard_pid=$pid heard_port=$port
start_grud alone --models "$work/models"
alone_pid=$pid alone_port=$port

load() { # NAME PID PORT: one round, its line is added to the file NAME
    load_generator -c 64 -i "$sessions" -s "$seconds" -r "$rate" -p "$2" "$3" \
        '/v1/models/bench/sessions/s%d/step' "$body" >>"$work/$1" || {
        echo "bench_listeners: answers that are not 200" >&2
        exit 1
    }
}
# Each session is there before its listener comes.
k=0
while [ "$k" -lt "$sessions" ]; do
    printf '{"session":"s%07d","x":[1,2,3,4]}\n' "$k"
    k=$((k + 1))
done | curl -sS -o /dev/null --data-binary @- -H 'Content-Type: application/x-ndjson' \
    "http://127.0.0.1:$heard_port/v1/models/bench/steps"

$on_client "$build/bench/stream_listeners" -n "$sessions" "$heard_port" \
    '/v1/models/bench/sessions/s%d/events' <"$work/input" >"$work/listeners" &
pids="$pids $!"
listeners_pid=$!
exec 3>"$work/input"
until grep -q ready "$work/listeners"; do
    kill -0 "$listeners_pid"
    sleep 0.05
done
round=0
while [ $round -lt "$rounds" ]; do
    [ $((round % 2)) = 0 ] || load heard "$heard_pid" "$heard_port"
    load alone "$alone_pid" "$alone_port"
    [ $((round % 2)) = 1 ] || load heard "$heard_pid" "$heard_port"
    round=$((round + 1))
done
sleep 1
exec 3>&-
wait "$listeners_pid"

printf '%s rounds of %s s, %s steps a second of %s sessions, one worker, H=64, 4 inputs\n' \
    "$rounds" "$seconds" "$rate" "$sessions"
for name in alone heard; do
    # the words of a summary are its median, least and most
    # shellcheck disable=SC2046
    set -- $(column $name rate | summary) $(column $name cpu_us | summary) \
        $(column $name p50_us | summary) $(column $name p99_us | summary)
    printf '%-6s %8.0f steps/s (%.0f..%.0f) %7.2f us/step, p50 %.0f us, p99 %.0f us\n' \
        "$name" "$1" "$2" "$3" "$4" "$7" "${10}"
done
for what in rate cpu_us; do
    echo "$what, heard/alone: $(ratios heard alone $what |
        awk '{ printf "%.3f (%.3f..%.3f)", $1, $2, $3 }')"
done
echo "listeners: $(tail -1 "$work/listeners")"
