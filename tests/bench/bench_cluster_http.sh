#!/bin/sh
# What a cluster costs: the processor time of a step over HTTP on a node of one beside that of a grud
# that stands alone; on each of three nodes beside that of one, asked at the same rate; in the
# engine; and of a session that the node's cache does not have.
#
# All are asked in short rounds in alternating order, at fixed rates, with requests due at random
# times (see bench_http.sh), and for what a node can do also by clients that wait for nothing but
# their answers; ratios are of pairs in a round. Nodes run on one core, the engine and
# the load on another. The engine writes each trip to its disk before it answers; SYNC=everysec, no:
# not so.
#
# Usage: bench_cluster_http.sh [ROUNDS [SECONDS [CLIENTS [RATE [SESSIONS]]]]]
#                                                                       BUILD, GRUD: see common.sh
set -eu
rounds=${1:-20}
seconds=${2:-1}
clients=${3:-16}
sessions=${5:-100000}
cache=$((sessions / 10))
hot=$((cache / 20)) # each is asked for in each round, so that they stay in the cache
node_1='' node_port_1='' # and those of 2 and 3
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

engines=
finish_all() { # the nodes first, which would complain
    finish
    for engine in $engines; do
        kill "$engine" 2>/dev/null || true
        wait "$engine" || true
    done
}
trap finish_all EXIT

step='/v1/models/bench/sessions/s%d/step'
refuse() {
    echo "bench_cluster_http: answers that are not 200" >&2
    exit 1
}

# start_engine NAME: an engine of its own; sets $engine and $url.
start_engine() {
    mkdir "$work/$1"
    for engine_port in $(seq $((20000 + $$ % 10000)) 31000); do
        ! redis-cli -p "$engine_port" ping >/dev/null 2>&1 || continue
        $on_client redis-server --port "$engine_port" --bind 127.0.0.1 --save '' \
            --appendonly yes --appendfsync "${SYNC:-always}" --dir "$work/$1" >"$work/$1.log" &
        engine=$!
        until redis-cli -p "$engine_port" ping >/dev/null 2>&1; do
            kill -0 "$engine" 2>/dev/null || break
            sleep 0.05
        done
        kill -0 "$engine" 2>/dev/null && break
    done
    engines="$engines $engine"
    url="redis://127.0.0.1:$engine_port"
}
# cpu_us PID: the processor time of all its threads so far.
cpu_us() {
    cat /proc/"$1"/task/*/schedstat | awk '{ n += $1 } END { printf "%d", n / 1000 }'
}
# load FILE PID RATE PORT OPTION...: one round, its line is added to the file.
load() {
    load_file=$1 load_pid=$2 load_rate=$3 load_port=$4
    shift 4
    load_generator -c "$clients" -s "$seconds" -r "$load_rate" -p "$load_pid" -d "$round" "$@" \
        "$load_port" "$step" "$body" >>"$work/$load_file" || refuse
}
# with_engine FILE PID RATE PORT OPTION...: the same, and what a step takes of the engine's time.
with_engine() {
    before=$(cpu_us "$engine")
    load "$@"
    n=$(tail -n 1 "$work/$1" | sed 's/.* rate=\([0-9.]*\).*/\1/')
    awk -v us=$(($(cpu_us "$engine") - before)) -v n="$n" -v s="$seconds" \
        'BEGIN { printf "x engine_us=%.3f\n", us / (n * (s + 0.3)) }' >>"$work/$1.engine"
}
# missed: how many steps have found their session not in the cache of the node so far.
missed() {
    curl -sf "http://127.0.0.1:$many_port/metrics" |
        sed -n 's/^grud_cluster_reads_total{outcome="missed"} //p'
}
# with_misses FILE OPTION...: and the share of steps that were one.
with_misses() {
    file=$1
    shift
    before_missed=$(missed)
    with_engine "$file" "$many" "$third" "$many_port" "$@"
    awk -v missed=$(($(missed) - before_missed)) -v n="$n" -v s="$seconds" \
        'BEGIN { printf "x missed=%.1f\n", 100 * missed / (n * (s + 0.3)) }' >>"$work/$file.missed"
}
three() {
    loads=
    for k in 1 2 3; do
        eval "load node-$k \"\$node_$k\" $third \"\$node_port_$k\"" &
        loads="$loads $!"
    done
    for one in $loads; do
        wait "$one" || refuse
    done
    for k in 1 2 3; do
        tail -n 1 "$work/node-$k"
    done | sed 's/.* cpu_us=\([0-9.]*\).*/\1/' | mean | sed 's/^/x cpu_us=/' >>"$work/three"
}
one() { # NAME
    case $1 in
    alone) load alone "$alone" "$rate" "$alone_port" ;;
    node) with_engine node "$node_1" "$rate" "$node_port_1" ;;
    alone_most) load alone_most "$alone" 0 "$alone_port" ;;
    node_most) with_engine node_most "$node_1" 0 "$node_port_1" ;;
    one) load one "$node_1" "$third" "$node_port_1" ;;
    three) three ;;
    hits) with_misses hits -i "$hot" ;;
    misses) with_misses misses -i "$sessions" ;;
    at_most) load at_most "$many" 0 "$many_port" -i "$sessions" ;;
    esac
}
# take_turns NAME...: all rounds.
take_turns() {
    backwards=
    for name in "$@"; do
        backwards="$name $backwards"
    done
    round=0
    while [ $round -lt "$rounds" ]; do
        if [ $((round % 2)) = 0 ]; then order="$*"; else order=$backwards; fi
        for name in $order; do
            one "$name"
        done
        round=$((round + 1))
    done
}
say() { # FILE COLUMN: its median (least..most)
    column "$1" "$2" | summary | awk '{ printf "%.2f (%.2f..%.2f)", $1, $2, $3 }'
}
ratio() { # FILE OTHER
    ratios "$1" "$2" cpu_us | awk '{ printf "%.3f (%.3f..%.3f)", $1, $2, $3 }'
}

make_model "$work/models/bench.safetensors"
start_grud alone --models "$work/models"
alone=$pid alone_port=$port
start_engine engine-1
for k in 1 2 3; do
    start_grud "node-$k" --models "$work/models" --cluster "$url" --cluster-timeout-ms 60000
    eval "node_$k=\$pid node_port_$k=\$port"
done
rate=${4:-$(half_of_capacity "$node_port_1" "$step")}
third=$((rate / 3))
take_turns alone node alone_most node_most one three

echo "$rounds rounds of $seconds s, $rate steps a second, $clients clients, one worker, H=64," \
    "4 inputs; us of processor time a step: median (least..most)"
echo "alone:                    $(say alone cpu_us)"
echo "node of a cluster:        $(say node cpu_us), of its engine $(say node.engine engine_us)"
echo "steps a CPU second, node/alone: $(ratio alone node)"
echo "as fast as they are answered: alone $(say alone_most cpu_us), node $(say node_most cpu_us)," \
    "of its engine $(say node_most.engine engine_us); node/alone $(ratio alone_most node_most);" \
    "$(say alone_most rate) and $(say node_most rate) steps a second"
echo "one node at $third/s:      $(say one cpu_us)"
echo "each of three at $third/s: $(say three cpu_us); three/one: $(ratio three one)"

start_engine engine-2
start_grud many --models "$work/models" --cluster "$url" --cluster-timeout-ms 60000 \
    --session-max "$cache"
many=$pid many_port=$port
seq -f %07.0f 0 $((sessions - 1)) | sed "s/.*/{\"session\":\"s&\",${body#?}/" | split -l 1000 - "$work/fill-"
for file in "$work"/fill-*; do
    curl -sf -H 'Content-Type: application/x-ndjson' --data-binary @"$file" \
        "http://127.0.0.1:$many_port/v1/models/bench/steps" >"$work/filled"
    ! grep -q '"error"' "$work/filled" || refuse
done
take_turns hits misses
take_turns at_most
echo "$sessions sessions, a cache of $cache, $third steps a second; missed: percent of the steps"
echo "$hot of them asked for: $(say hits cpu_us), missed $(say hits.missed missed)," \
    "of the engine $(say hits.engine engine_us), p50 $(say hits p50_us)"
echo "all asked for: $(say misses cpu_us), missed $(say misses.missed missed)," \
    "of the engine $(say misses.engine engine_us), p50 $(say misses p50_us)"
echo "all/$hot: $(ratio misses hits); all, as fast as they are answered: $(say at_most rate) a second"
