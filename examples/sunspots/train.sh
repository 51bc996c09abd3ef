#!/bin/sh
# train.sh - lets grud train a sunspot model from scratch on the first 80 % of the months, and reports its skill over
# persistence on the rest. Needs a running grud with --data ($GRU_URL, default http://127.0.0.1:8080), curl, jq and awk;
# GRUD=build/grud makes the untrained model.
set -eu
export LC_ALL=C
url=${GRU_URL:-http://127.0.0.1:8080}
grud=${GRUD:-build/grud}
model=sunspots-grud
here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

# call METHOD PATH TYPE: the body from standard input, the reply to standard output; or an error's message, and failure.
call() {
    curl -sS -m 60 -X "$1" -H "Content-Type: $3" --data-binary @- "$url/v1/$2" |
        jq -ce 'if (.error | type) == "object" then .error.message + "\n" | halt_error else . end'
}

tail -n +2 "$here/sunspots.csv" | cut -d, -f2 >"$work/months"
n=$(wc -l <"$work/months")
n_train=$((n * 8 / 10))
n_fit=$((n_train * 85 / 100)) # of those; the others choose the best epoch
head -n "$n_train" "$work/months" >"$work/train"
scale=$(awk '{ n++; sum += $1; squares += $1 * $1 } END { mean = sum / n; printf "%.2f:%.2f", mean, sqrt(squares / n - mean * mean) }' "$work/train")

"$grud" init --inputs sunspot_number --outputs sunspot_number --layers 32 --residual --scale "sunspot_number=$scale" \
    -o "$work/model.safetensors"
version=$(call PUT "models/$model" application/octet-stream <"$work/model.safetensors" | jq .versions[-1].version)

# Training series are stretches of 240 months that begin every 20 months; the target of a month is the next one.
job=$(jq -s --arg model "$model" --argjson version "$version" --argjson n_fit "$n_fit" '
    {model: $model, version: $version,
     training: {series: [range(0; $n_fit - 240; 20) as $first | {x: [.[$first:$first + 240][] | [.]]}]},
     validation: {series: [{x: [.[$n_fit:][] | [.]]}]},
     hyperparameters: {optimizer: "adamw", weight_decay: 0.05, learning_rate: 0.003, n_epochs: 200, batch_size: 16, window: 60,
         early_stopping_patience: 30}}' "$work/train" |
    call POST fine_tuning/jobs application/json | jq -r .id)

# The job's events as they happen, until it ends.
curl -sSN -m 3600 -H 'Accept: text/event-stream' "$url/v1/fine_tuning/jobs/$job/events" | sed -un 's/^data: //p' |
    jq -r --unbuffered 'if .type == "message" then .message elif .data.epoch % 10 == 0 and .data.valid_loss then
        "epoch \(.data.epoch): train loss \(.data.train_loss), validation loss \(.data.valid_loss)" else empty end'

trained=$(curl -sS -m 10 "$url/v1/fine_tuning/jobs/$job" | jq -e .fine_tuned_version)
call POST "models/$model/versions/$trained/activate" application/json </dev/null >"$work/active"
echo "the last $((n - n_train)) months, which training never saw:"
GRU_MODEL=$model "$here/forecast.sh" $((n - n_train)) | tail -n 2
