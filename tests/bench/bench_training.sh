#!/bin/sh
# Whether streaming clients feel a job that trains: requests per second and p99 of steps over HTTP,
# while a fine-tuning job runs and while the same job is paused, taking turns. Server, trainer and
# all on one core, the load on another, so that the two compete as hard as they can. Prints medians,
# spreads and the ratios.
#
# Usage: bench_training.sh [ROUNDS [SECONDS]]      BUILD, GRUD: see common.sh
set -eu
rounds=${1:-9}
seconds=${2:-2}
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

make_model "$work/models/bench.safetensors"
start_grud bench --models "$work/models" --data "$work/data"
jobs=http://127.0.0.1:$port/v1/fine_tuning/jobs

# Series of noise: what is learned does not matter, that it never ends does.
awk 'BEGIN {
    srand(1)
    printf "%s", "{\"model\":\"bench\",\"validation\":null,"
    print "\"hyperparameters\":{\"n_epochs\":1000000,\"window\":100}}"
    for (s = 0; s < 128; s++) {
        line = "{\"x\":["
        for (t = 0; t < 101; t++) {
            line = line (t ? "," : "")
            line = line sprintf("[%.3f,%.3f,%.3f,%.3f]", rand(), rand(), rand(), rand())
        }
        print line "]}"
    }
}' >"$work/job"
job=$(curl -sS -m 60 -H 'content-type: application/x-ndjson' --data-binary "@$work/job" "$jobs" |
    jq -re .id)

wait_for() { # STATUS: until the job has it
    for _ in $(seq 100); do
        [ "$(curl -sS -m 10 "$jobs/$job" | jq -r .status)" = "$1" ] && return
        sleep 0.1
    done
    echo "bench_training: the job is not $1" >&2
    exit 1
}
turn() { # pause|resume: so that the job stands still, or runs
    curl -sS -m 10 -X POST "$jobs/$job/$1" >/dev/null
    if [ "$1" = pause ]; then wait_for paused; else wait_for running; fi
    sleep 0.2
}
load() { # NAME CLIENTS: one round, its line is added to the file NAME
    load_generator -c "$2" -s "$seconds" "$port" '/v1/models/bench/sessions/s%d/step' "$body" \
        >>"$work/$1" || {
        echo "bench_training: an answer was not 200" >&2
        exit 1
    }
}
trained_steps() {
    curl -sS -m 10 "$jobs/$job" | jq .trained_steps
}

wait_for running
for clients in 1 16; do
    round=0
    while [ $round -lt "$rounds" ]; do
        turn pause
        load "quiet-$clients" "$clients"
        turn resume
        before=$(trained_steps)
        load "training-$clients" "$clients"
        echo "$before $(trained_steps)" >>"$work/steps-$clients"
        round=$((round + 1))
    done
done

said() { # FILE NAME: the median
    column "$1" "$2" | summary | awk '{ printf "%.0f", $1 }'
}
spread() { # NAME: while it trains over while it is paused
    ratios "$training" "$quiet" "$1" | awk '{ printf "%.2f (%.2f..%.2f)", $1, $2, $3 }'
}
updates() { # a second
    awk -v s="$seconds" '{ n += $2 - $1 } END { printf "%.0f", n / NR / s }' "$work/steps-$clients"
}
printf 'steps over HTTP while a job trains, beside the same job paused: '
printf '%s rounds of %s s, one core, H=64\n' "$rounds" "$seconds"
for clients in 1 16; do
    quiet=quiet-$clients training=training-$clients
    printf '%2s clients: p99 %s us, %s us training: ratio %s; ' "$clients" \
        "$(said "$quiet" p99_us)" "$(said "$training" p99_us)" "$(spread p99_us)"
    printf 'steps/s %s, %s training: ratio %s; updates/s %s\n' \
        "$(said "$quiet" rate)" "$(said "$training" rate)" "$(spread rate)" "$(updates)"
done
