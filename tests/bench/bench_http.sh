#!/bin/sh
# What a step over HTTP costs, beside the least that a libmicrohttpd server can do (bare_responder.c), and what a key adds (a
# SHA-256, and its header): the server's processor time for a request, with keep-alive clients that each wait for their answer. All servers run on one core, the
# load on another, and they take turns, so that what else the machine does meets both. Prints medians, spreads and the ratio.
#
# Usage: bench_http.sh [ROUNDS [SECONDS [CLIENTS]]]      BUILD=build: where grud was built
set -eu
rounds=${1:-9}
seconds=${2:-2}
clients=${3:-16}
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

mkdir "$work/models"
"$build/grud" init --inputs a,b,c,d --outputs a --layers 64 -o "$work/models/bench.safetensors" >/dev/null

$on_server "$build/bench/bare_responder" >"$work/bare_port" &
bare_pid=$!
pids="$pids $bare_pid"
GRUD_QUEUE_MS=60000 # a machine that is busy with other things must not make it refuse
export GRUD_QUEUE_MS
start_grud grud --models "$work/models"
grud_pid=$pid
grud_port=$port
key=$(od -An -tx1 -N24 /dev/urandom | tr -d ' \n')
(umask 077 && echo "$key predict" >"$work/keys")
start_grud keyed --models "$work/models" --api-keys "$work/keys" --key-rate 1000000
keyed_pid=$pid
while [ ! -s "$work/bare_port" ]; do
    kill -0 "$bare_pid"
    sleep 0.01
done

body='{"x":[20.125,0.5512,1013.25,3.75]}'
load() { # NAME PORT PATH PID [SESSIONS RATE KEY]: one round, its line is added to the file NAME
    $on_client "$build/bench/load_generator" "$2" "$3" "$body" "$clients" "$seconds" "$4" ${5+"$5" "$6" "$7"} >>"$work/$1" || {
        echo "bench_http: $1 gave answers that are no 200" >&2
        exit 1
    }
}
round=0
while [ $round -lt "$rounds" ]; do
    load bare "$(cat "$work/bare_port")" /answer "$bare_pid"
    load grud "$grud_port" /v1/models/bench/sessions/s%d/step "$grud_pid"
    load keyed "$port" /v1/models/bench/sessions/s%d/step "$keyed_pid" 0 0 "$key"
    round=$((round + 1))
done

printf '%s rounds of %s s, %s clients, one worker, H=64, 4 inputs\n' "$rounds" "$seconds" "$clients"
printf '%-6s %12s %18s %14s %12s %12s\n' server cpu_us/req '(least..most)' requests/s p50_us p99_us
for name in bare grud keyed; do
    # the words of a summary are its median, least and most
    # shellcheck disable=SC2046
    set -- $(column $name cpu_us | summary) $(column $name rate | summary) $(column $name p50_us | summary) \
        $(column $name p99_us | summary)
    printf '%-6s %12.3f %18s %14.0f %12.1f %12.1f\n' "$name" "$1" "($2..$3)" "$4" "$7" "${10}"
done
ratios grud bare cpu_us | awk '{ printf "grud/bare, processor time a request: %.3f (%.3f..%.3f)\n", $1, $2, $3 }'
ratios keyed grud cpu_us | awk '{ printf "with a key/without: %.3f (%.3f..%.3f)\n", $1, $2, $3 }'
