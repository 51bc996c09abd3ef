#!/bin/sh
# What a record of 1 KB costs in a cluster: processor time of the engine and of the node's link, in
# trips of one, 8 and 64 records, without and with the engine's file of appended writes.
#
# Usage: bench_cluster.sh [ROUNDS [RECORDS]]      BUILD: see common.sh
set -eu
rounds=${1:-5}
records=${2:-100000}
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

command -v redis-server >/dev/null || {
    echo "bench_cluster: SKIPPED, there is no redis-server here"
    exit 0
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
# start_engine NAME OPTION...: sets $pid and $port.
start_engine() {
    name=$1
    shift
    mkdir "$work/$name"
    port=$(free_port)
    $on_server redis-server --bind 127.0.0.1 --port "$port" --dir "$work/$name" --save '' "$@" \
        >/dev/null &
    pid=$!
    pids="$pids $pid"
}

for appendonly in no yes; do
    start_engine "appendonly-$appendonly" --appendonly "$appendonly" --appendfsync everysec
    for _ in $(seq "$rounds"); do
        $on_client "$build/bench/bench_cluster" "$port" "$pid" "$records"
    done >"$work/lines"
    for batch in 1 8 64; do
        grep "^batch=$batch " "$work/lines" >"$work/batch"
        echo "appendonly $appendonly, $batch a trip: us a record (median, least, most):" \
            "engine $(column batch engine_us | summary)," \
            "node $(column batch node_us | summary); a trip $(column batch trip_us | summary)"
    done
done
