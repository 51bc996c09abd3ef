#!/bin/sh
# Instructions that a request takes in user space, counted by valgrind's callgrind: exact where
# times are noisy. A step, a health check and the bare responder (bare_responder.c) over HTTP, and a
# step of the library alone (library_step.c). Each server answers N requests in one run and 2 N in
# another; the difference over N leaves out the start, and only the thread that served them counts.
#
# What is counted is user space only: what the kernel does for a request is not seen. valgrind has
# no AVX-512, so the kernels are those for AVX2. callgrind counts each byte of a "rep stosb" or "rep
# movsb" as an instruction, which a processor does not; glibc is told to use neither.
#
# Usage: bench_instructions.sh [ROUNDS [N]]      BUILD, GRUD: see common.sh
set -eu
rounds=${1:-3}
n=${2:-500}
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

GLIBC_TUNABLES=glibc.cpu.x86_rep_stosb_threshold=1000000000
GLIBC_TUNABLES=$GLIBC_TUNABLES:glibc.cpu.x86_rep_movsb_threshold=1000000000
export GLIBC_TUNABLES
make_model "$work/models/bench.safetensors"
set_bodies

callgrind="valgrind --quiet --tool=callgrind --separate-threads=yes
           --callgrind-out-file=$work/counts"
ask() { # NUMBER PATH [BODY]: requests to the server of $pid, which is then ended
    sleep 0.2
    load_generator -c 1 -n "$1" "$port" "$2" ${3+"$3"} >/dev/null || {
        echo "bench_instructions: an answer to $2 was not 200" >&2
        exit 1
    }
    kill "$pid"
    wait "$pid" || true
    pids=
}
ask_grud() {
    rm -f "$work/grud.port"
    on_server=$callgrind
    start_grud grud --models "$work/models"
    ask "$@"
}

# What is counted: each takes the number of requests.
bare() {
    rm -f "$work/bare.port"
    on_server=$callgrind
    start_bare
    ask "$1" /answer "$body"
}
health() {
    ask_grud "$1" /healthz
}
step() {
    ask_grud "$1" /v1/models/bench/sessions/s%d/step "${2:-$body}"
}
level() {
    step "$1" "$body_level"
}
anomaly() {
    step "$1" "$body_anomaly"
}
blend() {
    step "$1" "$body_blend"
}
ahead() {
    step "$1" "$body_ahead"
}
ahead_level() {
    step "$1" "$body_ahead_level"
}
ahead_anomaly() {
    step "$1" "$body_ahead_anomaly"
}
ahead_blend() {
    step "$1" "$body_ahead_blend"
}
ahead_crossing() {
    step "$1" "$body_ahead_crossing"
}
library() {
    $callgrind "$build/bench/library_step" "$1" >/dev/null
}

threads() { # NAME NUMBER: a line "thread instructions" for each thread
    rm -f "$work"/counts*
    "$1" "$2"
    for file in "$work"/counts-*; do
        echo "${file##*-} $(sed -n 's/^totals: //p' "$file")"
    done | sort
}
count() { # NAME: adds its instructions a request to the file NAME
    threads "$1" "$n" >"$work/once"
    threads "$1" $((2 * n)) >"$work/twice"
    join "$work/once" "$work/twice" | awk -v n="$n" >>"$work/$1" '
        $3 - $2 > most { most = $3 - $2 }
        END { printf "%.1f\n", most / n }'
}
round=0
while [ $round -lt "$rounds" ]; do
    for name in bare health step level anomaly blend ahead ahead_level ahead_anomaly ahead_blend \
        ahead_crossing library; do
        count $name
    done
    round=$((round + 1))
done

line() { # NAME TITLE
    # the words of a summary are its median, least and most
    # shellcheck disable=SC2046
    set -- "$2" $(sort -n "$work/$1" | summary)
    printf '%-44s %8.0f (%.0f..%.0f)\n' "$1" "$2" "$3" "$4"
}
printf 'instructions a request in user space, of %s\n' "$grud"
printf 'callgrind, AVX2 kernels, one client, %s rounds of %s requests; ' "$rounds" "$n"
printf 'the thread that serves, without the start; medians (least..most)\n'
line bare 'bare responder, POST'
line health 'GET /healthz'
line step 'a step, H=64, 4 inputs'
line level 'with a level'
line anomaly 'with `anomaly`'
line blend 'with `blend`'
line ahead 'a step that forecasts 12 rows'
line ahead_level 'with a level'
line ahead_anomaly 'with `anomaly`'
line ahead_blend 'with `blend`'
line ahead_crossing 'with a threshold'
line library 'the library alone (gru_run)'
