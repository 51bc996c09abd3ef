#!/bin/sh
# train.sh [SEQUENCES [EPOCHS]] - trains GRU(128) -> GRU(64) -> Dense(1) from scratch to add up 100 random numbers, and
# tries it on sequences that it has not seen. Needs a running grud with --data ($GRU_URL, default
# http://127.0.0.1:8080), curl, jq and awk; GRUD=build/grud makes the model.
set -eu
export LC_ALL=C
sequences=${1:-4096} epochs=${2:-20}
url=${GRU_URL:-http://127.0.0.1:8080}
grud=${GRUD:-build/grud}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# call METHOD PATH TYPE: the body from standard input, the reply to standard output; or an error's message, and failure.
call() {
    curl -sS -m 60 -X "$1" -H "Content-Type: $3" --data-binary @- "$url/v1/$2" |
        jq -ce 'if (.error | type) == "object" then .error.message + "\n" | halt_error else . end'
}

# series SEED N: a line each, {"x": 100 numbers from 0 to 1, "y": their sum}.
series() {
    awk -v seed="$1" -v n="$2" 'BEGIN {
        srand(seed)
        for (k = 0; k < n; k++) {
            sum = 0
            printf "{\"x\":["
            for (t = 0; t < 100; t++) {
                value = int(rand() * 10000) / 10000
                sum += value
                printf "%s[%.4f]", t ? "," : "", value
            }
            printf "],\"y\":[[%.4f]]}\n", sum
        }
    }'
}

# The sum of 100 numbers that are uniform from 0 to 1 has mean 50 and standard deviation sqrt(100 / 12).
"$grud" init --inputs value --outputs sum --layers 128,64 --scale value=0.5:0.289,sum=50:2.887 -o "$work/sum.safetensors"
version=$(call PUT models/sum application/octet-stream <"$work/sum.safetensors" | jq .versions[-1].version)

# The job in the first line, a training series in each that follows. The last tenth of the series is for validation.
job=$({
    echo "{\"model\": \"sum\", \"version\": $version, \"validation\": {\"fraction\": 0.1}, \"promotion\": {\"policy\": \"manual\"},
        \"hyperparameters\": {\"optimizer\": \"adam\", \"loss\": \"mse\", \"batch_size\": 32, \"window\": 100, \"n_epochs\": $epochs}}" |
        tr -d '\n'
    echo
    series 1 "$sequences"
} | call POST fine_tuning/jobs application/x-ndjson | jq -r .id)

# The job's events as they happen, until it ends.
curl -sSN -m 3600 -H 'Accept: text/event-stream' "$url/v1/fine_tuning/jobs/$job/events" | sed -un 's/^data: //p' |
    jq -r --unbuffered 'if .type == "message" then .message elif .data.valid_loss then
        "epoch \(.data.epoch): train loss \(.data.train_loss), validation loss \(.data.valid_loss)" else empty end'

trained=$(curl -sS -m 10 "$url/v1/fine_tuning/jobs/$job" | jq -e .fine_tuned_version)
series 2 200 >"$work/unseen"
jq -s --argjson version "$trained" '{version: $version, return: "last", instances: map({x})}' "$work/unseen" |
    call POST models/sum/predict application/json | jq -r '.results[].y[0][0]' >"$work/said"
jq -r '.y[0][0]' "$work/unseen" | paste -d ' ' - "$work/said" | awk '
    function distance(a, b) { return a > b ? a - b : b - a }
    NR <= 5 { printf "sum %.3f, the model says %.3f\n", $1, $2 }
    { model += distance($1, $2); mean += distance($1, 50) }
    END { printf "%d unseen sequences: mean absolute error %.3f (always saying 50: %.3f)\n", NR, model / NR, mean / NR }'
