#!/bin/sh
# What a million sessions cost: memory of each, the processor time of a step over HTTP beside that
# among a thousand sessions (at one fixed rate, in alternating order), and the time from start to
# ready with all of them on disk; also the start with the demo model alone.
#
# Usage: bench_sessions.sh [ROUNDS [SECONDS]]      BUILD, GRUD: see common.sh
set -eu
rounds=${1:-20}
seconds=${2:-1}
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

mkdir "$work/data"
make_model "$work/models/h64.safetensors"

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

step=/v1/models/h64/sessions/sensor-%d/step
rate=$(half_of_capacity "$few_port" "$step")
load() { # PORT PID SESSIONS: processor microseconds a step, at one fixed rate
    load_generator -s "$seconds" -r "$rate" -p "$2" -i "$3" "$1" "$step" "$body" |
        sed -n 's/.* cpu_us=\([0-9.]*\).*/\1/p'
}
few() {
    load "$few_port" "$few_pid" 1000
}
many() {
    load "$many_port" "$many_pid" 1000000
}
few >/dev/null
many >/dev/null
round=0
while [ $round -lt "$rounds" ]; do
    if [ $((round % 2)) = 0 ]; then
        few_us=$(few)
        many_us=$(many)
    else
        many_us=$(many)
        few_us=$(few)
    fi
    echo "$few_us $many_us" >>"$work/rounds"
    round=$((round + 1))
done
awk '{ print $1 / $2, $1, $2 }' "$work/rounds" | sort -n | awk '
    { ratio[NR] = $1; few += $2; many += $3 }
    END {
        printf "processor time of a step over HTTP, at a fixed rate: "
        printf "%.2f us among 1000 sessions, %.2f us among 1000000; ", few / NR, many / NR
        middle = ratio[int((NR + 1) / 2)]
        printf "speed ratio %.2f (%.2f..%.2f) (goal: at least 0.8)\n", middle, ratio[1], ratio[NR]
    }'
