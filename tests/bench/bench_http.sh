#!/bin/sh
# What a step over HTTP costs, beside the least that a libmicrohttpd server can do (bare_responder.c): the server's
# processor time for a request, with keep-alive clients that each wait for their answer. Both servers run on one core, the
# load on another, and they take turns, so that what else the machine does meets both. Prints medians, spreads and the ratio.
#
# Usage: bench_http.sh [ROUNDS [SECONDS [CLIENTS]]]      BUILD=build: where grud was built
set -eu
rounds=${1:-9}
seconds=${2:-2}
clients=${3:-16}
build=${BUILD:-build}
work=$(mktemp -d)
bare_pid=
grud_pid=

finish() {
    for pid in $bare_pid $grud_pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" || true
    done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

if [ "$(nproc)" -gt 1 ] && command -v taskset >/dev/null; then
    on_server="taskset -c 0"
    on_client="taskset -c 1"
else
    on_server=
    on_client=
fi

mkdir "$work/models"
"$build/grud" init --inputs a,b,c,d --outputs a --layers 64 -o "$work/models/bench.safetensors" >/dev/null

$on_server "$build/bench/bare_responder" >"$work/bare_port" &
bare_pid=$!
$on_server "$build/grud" --listen 127.0.0.1:0 --port-file "$work/grud_port" --models "$work/models" --workers 1 \
    --log-level warn &
grud_pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    [ -s "$work/bare_port" ] && [ -s "$work/grud_port" ] && break
    sleep 0.2
done

body='{"x":[20.125,0.5512,1013.25,3.75]}'
load() { # NAME PORT PATH PID: one round, its line is added to the file NAME
    $on_client "$build/bench/load" "$2" "$3" "$body" "$clients" "$seconds" "$4" >>"$work/$1" || {
        echo "bench_http: $1 gave answers that are no 200" >&2
        exit 1
    }
}
round=0
while [ $round -lt "$rounds" ]; do
    load bare "$(cat "$work/bare_port")" /answer "$bare_pid"
    load grud "$(cat "$work/grud_port")" /v1/models/bench/sessions/s%d/step "$grud_pid"
    round=$((round + 1))
done

column() { # NAME COLUMN: its values, one a line, ascending
    sed -n "s/.* $2=\([0-9.]*\).*/\1/p" "$work/$1" | sort -n
}
summary() { # NAME COLUMN: "median least most"
    column "$1" "$2" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[1], v[NR] }'
}
printf '%s rounds of %s s, %s clients, one worker, H=64, 4 inputs\n' "$rounds" "$seconds" "$clients"
printf '%-6s %12s %18s %14s %12s %12s\n' server cpu_us/req '(least..most)' requests/s p50_us p99_us
for name in bare grud; do
    # the words of a summary are its median, least and most
    # shellcheck disable=SC2046
    set -- $(summary $name cpu_us) $(summary $name rate) $(summary $name p50_us) $(summary $name p99_us)
    printf '%-6s %12.3f %18s %14.0f %12.1f %12.1f\n' "$name" "$1" "($2..$3)" "$4" "$7" "${10}"
done
paste "$work/bare" "$work/grud" | sed 's/.* cpu_us=\([0-9.]*\).* cpu_us=\([0-9.]*\).*/\1 \2/' |
    awk '{ print $2 / $1 }' | sort -n |
    awk '{ v[NR] = $1 } END { printf "grud/bare, processor time a request: %.3f (%.3f..%.3f)\n", \
        (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[1], v[NR] }'
