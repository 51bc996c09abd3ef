#!/bin/sh
# train.sh - makes an untrained model, teaches it to count, and asks what follows 1, 2, 3, 4, 5.
# Needs a running grud with --data ($GRU_URL, default http://127.0.0.1:8080), curl and jq; GRUD=build/grud makes the model.
set -eu
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

"$grud" init --inputs n --outputs n --layers 16 --scale n=3.5:1.7 -o "$work/count.safetensors"
version=$(call PUT models/count application/octet-stream <"$work/count.safetensors" | jq .versions[-1].version)

# Without "y" the target of a row is the next row: 1 is followed by 2, 1, 2 by 3, ... and 1, 2, 3, 4, 5 by 6.
job=$(call POST fine_tuning/jobs application/json <<END | jq -r .id
{"model": "count", "version": $version, "training": {"series": [{"x": [[1], [2], [3], [4], [5], [6]]}]}, "validation": null,
 "hyperparameters": {"n_epochs": 400, "learning_rate": 0.02}}
END
)

# The job's events as they happen, until it ends.
curl -sSN -m 300 -H 'Accept: text/event-stream' "$url/v1/fine_tuning/jobs/$job/events" | sed -un 's/^data: //p' |
    jq -r --unbuffered 'if .type == "message" then .message elif .data.epoch % 50 == 0 then "epoch \(.data.epoch): train loss \(.data.train_loss)" else empty end'

trained=$(curl -sS -m 10 "$url/v1/fine_tuning/jobs/$job" | jq -e .fine_tuned_version)
echo "{\"x\": [[1], [2], [3], [4], [5]], \"return\": \"last\", \"version\": $trained}" |
    call POST models/count/predict application/json | jq -r '"1, 2, 3, 4, 5 is followed by \(.y[0][0])"'
