#!/bin/sh
# What a server does when it is offered more than it can do: goodput (200s a second) and p99 of what
# it takes on, from three quarters of its capacity to five times of it, the share that it refuses,
# and p99 of health checks meanwhile. One worker on one core, an open-loop generator
# (load_generator.c) on another, with requests due at random times over many keep-alive connections;
# latency runs from when a request was due. Four kinds of work: (a) steps with a forecast, which
# cost many times what a refusal does; (b) these and whole sequences, which must be refused first;
# (c) plain steps, where a refusal costs nearly as much as a step and no generator on one core
# offers five times the capacity; (d) batches of 100 lines of x-ndjson, of which each is done whole
# or not at all. Prints medians over the rounds with the least and most.
#
# Usage: bench_overload.sh [ROUNDS [SECONDS [CONNECTIONS]]]      BUILD, GRUD: see common.sh
set -eu
rounds=${1:-5}
seconds=${2:-3}
connections=${3:-1000}
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"
unset GRUD_QUEUE_MS # to refuse is what is measured

mkdir "$work/models"
"$grud" init --inputs a --outputs a --layers 64 -o "$work/models/bench.safetensors" >/dev/null
start_grud grud --models "$work/models"

model=/v1/models/bench
step=$model/sessions/s%d/step
forecast_body='{"x":[20.125],"horizon":300}'
plain_body='{"x":[20.125]}'
sequence_body=$(awk 'BEGIN {
    printf "{\"return\":\"last\",\"horizon\":3000,\"x\":[[20]"
    for (t = 1; t < 500; t++) printf ",[20.%d]", t % 10
    printf "]}"
}')
# A step of each of 100 sessions.
lines_body=$(awk 'BEGIN {
    for (k = 0; k < 100; k++) printf "{\"session\":\"line-%d\",\"x\":[20.125]}\n", k
}')

closed() { # PATH BODY CLIENTS [TYPE]: what it can do, in requests a second
    load_generator -c "$3" -s 1 ${4+-t "$4"} "$port" "$1" "$2" | sed 's/.* rate=\([0-9]*\).*/\1/'
}
open() { # NAME PATH BODY RATE [TYPE]: one round, its line is added to the file NAME
    load_generator -c "$connections" -s "$seconds" -w 1 -r "$4" ${5+-t "$5"} "$port" "$2" "$3" \
        >>"$work/$1" || {
        echo "bench_overload: $1 gave answers that are neither 200 nor 503" >&2
        exit 1
    }
}
scaled() { # RATE FACTOR
    awk "BEGIN { printf \"%.0f\", $1 * $2 }"
}
with_health() { # NAME COMMAND...: the health of the server while the command runs
    health=$1
    shift
    load_generator -c 8 -s "$seconds" -w 1 -r 50 "$port" /healthz >>"$work/$health" &
    health_pid=$!
    "$@"
    wait "$health_pid"
}
both() { # NAME STEPS SEQUENCES: rates of steps and sequences at a time
    open "$1.sequences" $model/predict "$sequence_body" "$3" &
    other_pid=$!
    open "$1.steps" "$step" "$forecast_body" "$2"
    wait "$other_pid"
}

loads="0.75 1 2 5"
mixes="0.4:0.3 0.5:0.5 0.4:1 0.4:2 0.4:5 2:2"
round=0
while [ $round -lt "$rounds" ]; do
    a=$(closed "$step" "$forecast_body" 8)
    b=$(closed $model/predict "$sequence_body" 1)
    c=$(closed "$step" "$plain_body" 64)
    d=$(closed $model/steps "$lines_body" 8 application/x-ndjson)
    echo " a=$a b=$b c=$c d=$d" >>"$work/capacity"
    for x in $loads; do
        with_health "a$x.health" open "a$x" "$step" "$forecast_body" "$(scaled "$a" "$x")"
        with_health "c$x.health" open "c$x" "$step" "$plain_body" "$(scaled "$c" "$x")"
        with_health "d$x.health" \
            open "d$x" $model/steps "$lines_body" "$(scaled "$d" "$x")" application/x-ndjson
    done
    for mix in $mixes; do
        with_health "b$mix.health" \
            both "b$mix" "$(scaled "$a" "${mix%:*}")" "$(scaled "$b" "${mix#*:}")"
    done
    round=$((round + 1))
done

# Each batch that was done has stepped each of its sessions once, and one that was refused none.
n_counts=$(curl -sS -m 60 "http://127.0.0.1:$port$model/sessions?prefix=line-&limit=100" |
    grep -o '"step":[0-9]*' | sort -u | wc -l)
[ "$n_counts" -eq 1 ] || {
    echo "bench_overload: a batch of lines was done in part" >&2
    exit 1
}

median() { # FILE NAME
    column "$1" "$2" | summary | cut -d ' ' -f 1
}
percent() { # FILE NAME
    median "$1" "$2" | awk '{ print 100 * $1 }'
}
p99_ms() { # FILE
    median "$1" p99_us | awk '{ print $1 / 1000 }'
}
# The goodput of a round over the best of the same round, and p99 over that at three quarters of the
# capacity.
peaks() { # KIND: a line for each round
    for x in $loads; do
        sed -n 's/.* good=\([0-9.]*\).*/\1/p' "$work/$1$x" >"$work/good.$x"
    done
    # the words are the loads
    # shellcheck disable=SC2046
    paste $(for x in $loads; do echo "$work/good.$x"; done) | awk >"$work/peak" '{
        most = 0
        for (k = 1; k <= NF; k++) if ($k > most) most = $k
        print " good=" most
    }'
}
curve() { # KIND TITLE
    printf '\n%s\n' "$2"
    printf '%5s %10s %10s %22s %9s %10s %20s %10s\n' load offered/s good/s 'good/peak (spread)' \
        refused p99_ms 'p99/normal (spread)' health_p99
    peaks "$1"
    for x in $loads; do
        # the words of a summary are its median, least and most
        # shellcheck disable=SC2046
        set -- "$1" $(ratios "$1$x" peak good) $(ratios "$1$x" "${1}0.75" p99_us)
        printf '%5s %10.0f %10.0f %22s %8.1f%% %10.2f %20s %10.2f\n' "${x}x" "$(median "$1$x" offered)" \
            "$(median "$1$x" good)" "$(printf '%.2f (%.2f..%.2f)' "$2" "$3" "$4")" \
            "$(percent "$1$x" refused)" "$(p99_ms "$1$x")" \
            "$(printf '%.2f (%.2f..%.2f)' "$5" "$6" "$7")" "$(p99_ms "$1$x.health")"
    done
}
printf '%s rounds of %s s at each load, %s connections, one worker, H=64\n' \
    "$rounds" "$seconds" "$connections"
printf 'capacity: %.0f steps with a forecast of 300, %.0f sequences, %.0f plain steps, %.0f batches a second\n' \
    "$(median capacity a)" "$(median capacity b)" "$(median capacity c)" "$(median capacity d)"
curve a '(a) steps with a forecast of 300 (goal: good/peak at least 0.8, p99/normal under 3, at 5x)'
curve c '(c) plain steps: offered/s is what the generator reached'
curve d '(d) batches of 100 lines'
printf '\n(b) steps and whole sequences together, each at a multiple of its own capacity\n'
printf '%6s %10s %10s %14s %14s %18s %10s\n' steps sequences steps/s sequences/s \
    'steps refused' 'sequences refused' health_p99
for mix in $mixes; do
    printf '%6s %10s %10.0f %14.0f %13.1f%% %17.1f%% %10.2f\n' "${mix%:*}x" "${mix#*:}x" \
        "$(median "b$mix.steps" good)" "$(median "b$mix.sequences" good)" \
        "$(percent "b$mix.steps" refused)" "$(percent "b$mix.sequences" refused)" \
        "$(p99_ms "b$mix.health")"
done
