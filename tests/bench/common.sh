# common.sh - what the benchmarks of a server share, to be read by them (`.`).
#
# $build is where grud and the benchmarks were built, $grud the binary (GRUD=path: another one, so
# that two builds can be compared). $work is a folder that is removed at the end, when every process
# of $pids is ended too. $on_server and $on_client keep a server and its load on cores of their own,
# where there are two.
# shellcheck shell=sh disable=SC2034 # the variables are for the scripts that read this file
build=${BUILD:-build}
grud=${GRUD:-$build/grud}
work=$(mktemp -d)
pids=

finish() {
    for pid in $pids; do
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

# A machine that is busy with other things must not make grud refuse.
export GRUD_QUEUE_MS=60000

load_generator() {
    $on_client "$build/bench/load_generator" "$@"
}

# The model that most of them serve, and a body for it.
body='{"x":[20.125,0.5512,1013.25,3.75]}'
make_model() { # FILE
    mkdir -p "$(dirname "$1")"
    "$grud" init --inputs a,b,c,d --outputs a --layers 64 -o "$1" >/dev/null
}
# with BODY FIELD: prints the body with one field more.
with() {
    echo "${1%\}},$2}"
}
# set_bodies: sets $body_KIND, the same body with what a step may ask for; $body_ahead, for 12 rows
# ahead with what is known of b, c and d on the way; and $body_ahead_KIND, for both.
set_bodies() {
    known='[0.55,1013.3,3.7]'
    known="$known$(printf ",$known%.0s" 2 3 4 5 6 7 8 9 10 11)"
    body_ahead=$(with "$body" "\"horizon\":12,\"future\":[$known]")
    body_level=$(with "$body" '"level":0.9')
    body_ahead_level=$(with "$body_ahead" '"level":0.9')
    body_ahead_levels=$(with "$body_ahead" '"level":[0.8,0.9,0.95]')
    body_anomaly=$(with "$body" '"anomaly":true')
    body_ahead_anomaly=$(with "$body_ahead" '"anomaly":true')
    body_blend=$(with "$body" '"blend":true')
    body_ahead_blend=$(with "$body_ahead" '"blend":true')
    body_ahead_crossing=$(with "$body_ahead" '"crossing":{"output":"a","above":25}')
}

# await FILE: until the server of $pid has written its port there; sets $port.
await() {
    while [ ! -s "$1" ]; do
        kill -0 "$pid"
        sleep 0.001
    done
    port=$(cat "$1")
}
# start_grud NAME OPTION...: sets $pid, $port and $ready_ms (from exec to answering).
start_grud() {
    name=$1
    shift
    began=$(date +%s%N)
    $on_server "$grud" --listen 127.0.0.1:0 --port-file "$work/$name.port" --workers 1 \
        --log-level error "$@" &
    pid=$!
    pids="$pids $pid"
    await "$work/$name.port"
    ready_ms=$((($(date +%s%N) - began) / 1000000))
}
# start_bare: the bare responder; sets $pid and $port.
start_bare() {
    $on_server "$build/bench/bare_responder" >"$work/bare.port" &
    pid=$!
    pids="$pids $pid"
    await "$work/bare.port"
}

# half_of_capacity PORT PATH: half of the requests a second that a server can answer, which is the
# rate to compare at.
half_of_capacity() {
    for _ in 1 2 3; do
        load_generator -s 1 "$1" "$2" "$body" | sed 's/.* rate=\([0-9]*\).*/\1/'
    done | sort -n | summary | awk '{ print int($1 / 2 / 100) * 100 }'
}

# column FILE NAME: the values NAME=... in the lines of $work/FILE, ascending.
column() {
    sed -n "s/.* $2=\([0-9.]*\).*/\1/p" "$work/$1" | sort -n
}
# summary: "median least most" of the ascending numbers in standard input.
summary() {
    awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[1], v[NR] }'
}
# mean: of the numbers in standard input.
mean() {
    awk '{ n += $1 } END { print n / NR }'
}
# quotients FILE OTHER NAME: NAME in FILE over NAME in OTHER, line by line, ascending.
quotients() {
    paste "$work/$1" "$work/$2" | sed "s/.* $3=\([0-9.]*\).* $3=\([0-9.]*\).*/\1 \2/" |
        awk '{ print $1 / $2 }' | sort -n
}
# ratios FILE OTHER NAME: their summary.
ratios() {
    quotients "$@" | summary
}
# quartiles: "median lower upper" of the ascending numbers in standard input.
quartiles() {
    awk '{ v[NR] = $1 } END { n = int((NR + 3) / 4)
        print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[n], v[NR + 1 - n] }'
}
