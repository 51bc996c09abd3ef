#!/bin/sh
# What a million sessions cost: memory of each, the speed of steps over HTTP against a thousand sessions, and the time from start
# to ready with all of them on disk; also the start with the demo model alone.
#
# Usage: bench_sessions.sh [ROUNDS [SECONDS]]      BUILD=build: where grud and the benchmarks were built
set -eu
rounds=${1:-7}
seconds=${2:-2}
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

mkdir "$work/models" "$work/data"
"$build/grud" init --inputs a,b,c,d --outputs a --layers 64 -o "$work/models/h64.safetensors" >/dev/null

"$build/bench/bench_sessions" "$work/models"

start_grud demo --models examples/host-load
echo "start to ready with the demo model: $ready_ms ms (goal: under 50)"

"$build/bench/bench_sessions" "$work/models" "$work/data"
start_grud many --models "$work/models" --data "$work/data" --sync-interval-ms 3600000
echo "start to ready with 1000000 sessions on disk: $ready_ms ms (goal: under 500)"
many_port=$port
many_pid=$pid
start_grud few --models "$work/models"
few_port=$port
few_pid=$pid

body='{"x":[20.125,0.5512,1013.25,3.75]}'
load() { # PORT PID SESSIONS: processor microseconds a step
    $on_client "$build/bench/load_generator" "$1" /v1/models/h64/sessions/sensor-%d/step "$body" 16 "$seconds" "$2" "$3" |
        sed -n 's/.* cpu_us=\([0-9.]*\).*/\1/p'
}
load "$few_port" "$few_pid" 1000 >/dev/null
load "$many_port" "$many_pid" 1000000 >/dev/null
round=0
while [ $round -lt "$rounds" ]; do
    echo "$(load "$few_port" "$few_pid" 1000) $(load "$many_port" "$many_pid" 1000000)" >>"$work/rounds"
    round=$((round + 1))
done
awk '{ print $1 / $2, $1, $2 }' "$work/rounds" | sort -n | awk '
    { ratio[NR] = $1; few += $2; many += $3 }
    END {
        printf "a step over HTTP: %.2f us of processor time among 1000 sessions, %.2f us among 1000000; ", few / NR, many / NR
        printf "speed ratio %.2f (%.2f..%.2f) (goal: at least 0.8)\n", ratio[int((NR + 1) / 2)], ratio[1], ratio[NR]
    }'
