# common.sh - what the benchmarks of a server share; to be read by them (`.`). Makes the folder $work, which is removed at the
# end, when every process of $pids is ended too; $on_server and $on_client keep a server and its load on cores of their
# own, where there are two; $build is where grud and the benchmarks were built.
# shellcheck shell=sh disable=SC2034 # the variables are for whoever reads this file
build=${BUILD:-build}
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

# start_grud NAME OPTION...: starts a server, waits for its port, sets $pid, $port and $ready_ms (from exec to answering).
start_grud() {
    name=$1
    shift
    began=$(date +%s%N)
    $on_server "$build/grud" --listen 127.0.0.1:0 --port-file "$work/$name.port" --workers 1 --log-level warn "$@" &
    pid=$!
    pids="$pids $pid"
    while [ ! -s "$work/$name.port" ]; do
        kill -0 "$pid"
        sleep 0.001
    done
    ready_ms=$((($(date +%s%N) - began) / 1000000))
    port=$(cat "$work/$name.port")
}

# column FILE NAME: the values NAME=... in the lines of $work/FILE, ascending.
column() {
    sed -n "s/.* $2=\([0-9.]*\).*/\1/p" "$work/$1" | sort -n
}
# summary: "median least most" of the ascending numbers in standard input.
summary() {
    awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2, v[1], v[NR] }'
}
# ratios FILE OTHER NAME: the summary of NAME in FILE over NAME in OTHER, line by line.
ratios() {
    paste "$work/$1" "$work/$2" | sed "s/.* $3=\([0-9.]*\).* $3=\([0-9.]*\).*/\1 \2/" | awk '{ print $1 / $2 }' | sort -n |
        summary
}
