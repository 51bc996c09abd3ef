#!/bin/sh
# How long GET /healthz takes at worst while one client after the other asks for as much as it may:
# one daemon, one worker, every sync delayed by 1.5 s from the start of the attacks on. The health is
# asked every 10 ms on a connection of its own (health_probe.c). Prints the longest of each attack
# and of all; the goal is 100 ms.
#
# A further attack is a call of `attack` below.
#
# Usage: bench_health.sh [SESSIONS]      of the list (400 000)      BUILD, GRUD: see common.sh
set -eu
sessions=${1:-400000}
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

make_model "$work/models/bench.safetensors"
"$grud" init --inputs a --outputs a --layers 64 -o "$work/models/one.safetensors" >/dev/null
"$grud" init --inputs "$(seq -s , -f i%.0f 100)" --outputs i1 --layers 16 \
    -o "$work/models/broad.safetensors" >/dev/null
"$grud" init --inputs a --outputs a --layers 64 --seed 2 -o "$work/same.safetensors" >/dev/null
"$grud" init --inputs a --outputs a --layers 96 -o "$work/other.safetensors" >/dev/null

# Both the shim and its file are there from the beginning; the file appears with the attacks.
export HELD_DISK="$work/delay" HELD_DISK_MS=1500
LD_PRELOAD=$build/tests/held_disk.so
export LD_PRELOAD
start_grud grud --models "$work/models" --data "$work/data" --session-max $((sessions + 10000)) \
    --training-max 64000000 --body-max 16777216 --row-max 200000
unset LD_PRELOAD
base=http://127.0.0.1:$port/v1

ask() { # METHOD PATH CURL_OPTION...: prints the status alone
    method=$1
    path=$2
    shift 2
    $on_client curl -s -o /dev/null -w '%{http_code}\n' -X "$method" "$@" "$base$path"
}
send_json() { # METHOD PATH FILE
    ask "$1" "$2" -H 'Content-Type: application/json' --data-binary "@$3"
}
send_lines() { # PATH FILE
    ask POST "$1" -H 'Content-Type: application/x-ndjson' --data-binary "@$2"
}
send_model() { # FILE
    ask PUT /models/one -H 'Content-Type: application/octet-stream' --data-binary "@$1"
}

# ---- what is sent ----
awk 'BEGIN { printf "{\"rewarm\":[[1]"; for (t = 1; t < 150000; t++) printf ",[%d]", t % 7
             print "]}" }' >"$work/rewarm"
awk 'BEGIN { for (k = 0; k < 5; k++)
                 printf "{\"session\":\"l%d\",\"x\":[1],\"horizon\":10000}\n", k }' >"$work/lines"
echo '{"x":[1],"horizon":10000}' >"$work/step"
awk 'BEGIN { printf "{\"model\":\"one\",\"hyperparameters\":{\"n_epochs\":1},"
             printf "\"training\":{\"series\":[{\"x\":[[1]"
             for (t = 1; t < 20000; t++) printf ",[%d]", t % 7
             print "]}]}}" }' >"$work/job"
awk 'BEGIN { for (k = 0; k < 9000; k++) printf "{\"session\":\"n%d\",\"x\":[1]}\n", k }' >"$work/new"
awk 'BEGIN { printf "{\"steps\":["
             for (k = 0; k < 100; k++)
                 printf "%s{\"session\":\"h%d\",\"x\":[1],\"horizon\":1000}", k ? "," : "", k
             print "]}" }' >"$work/list"
awk 'BEGIN { printf "{\"steps\":["
             for (k = 0; k < 50000; k++)
                 printf "%s{\"session\":\"s%d\",\"x\":[1]}", k ? "," : "", k % 5000
             print "]}" }' >"$work/long_list"
awk 'BEGIN { for (k = 0; k < 300000; k++)
                 printf "{\"session\":\"s%d\",\"x\":[1]}\n", k % 5000 }' >"$work/many_lines"
awk 'BEGIN { row = "[0.123456"
             for (i = 1; i < 100; i++) row = row ",0.123456"
             print row "]" }' >"$work/row"
awk '{ for (t = 0; t < 18000; t++) printf "%s%s", t ? "," : "", $0 }' "$work/row" >"$work/rows"
{ printf '{"return":"last","x":[' && cat "$work/rows" && echo ']}'; } >"$work/wide_predict"
{ printf '{"rewarm":[' && cat "$work/rows" && echo ']}'; } >"$work/wide_rewarm"
blanks() { # JSON FILE: the same in 16 MB
    printf '%s%16000000s' "$1" '' >"$2"
}
blanks '{"x":[1]}' "$work/large_step"
blanks '{"horizon":1}' "$work/large_forecast"
blanks '{"to":"forked"}' "$work/large_fork"
awk 'BEGIN { printf "{\"steps\":["
             for (k = 0; k < 20000; k++)
                 printf "%s{\"session\":\"s%d\",\"x\":[1],\"horizon\":3}", k ? "," : "", k
             print "]}" }' >"$work/wide_list"
{ echo '{"model":"broad","hyperparameters":{"n_epochs":1},"dry_run":true}' &&
    printf '{"x":[' && cat "$work/rows" && echo ']}'; } >"$work/wide_job"
awk -v n="$sessions" 'BEGIN { for (k = 0; k < n; k++)
    printf "{\"session\":\"s%d\",\"x\":[1]}\n", k }' |
    split -l 20000 - "$work/fill."
for file in "$work"/fill.*; do
    [ "$(send_lines /models/one/steps "$file")" = 200 ]
done

# ---- the attacks ----
mkfifo "$work/names"
$on_client "$build/bench/health_probe" "$port" <"$work/names" &
probe=$!
exec 3>"$work/names"
attack() { # NAME COMMAND...
    echo "$1" >&3
    shift
    "$@" >>"$work/statuses"
    sleep 0.05
}
jobs_and_events() {
    send_json POST /fine_tuning/jobs "$work/job" &
    writer=$!
    ask GET /fine_tuning/jobs
    wait $writer
    $on_client curl -s -m 4 -o /dev/null -H 'Accept: text/event-stream' \
        "$base$(newest_job)/events" || true
}
newest_job() {
    $on_client curl -s "$base/fine_tuning/jobs?limit=1" |
        sed 's/.*"id":"\(ftjob-[a-z0-9]*\)".*/\/fine_tuning\/jobs\/\1/'
}
hundred_steps() {
    for k in $(seq 100); do
        send_json POST "/models/one/sessions/s$k/step" "$work/step"
    done
}

attack 'nothing' sleep 1
attack 'PUT with 150 000 rows of rewarm' send_json PUT /models/one/sessions/w "$work/rewarm"
attack 'NDJSON with horizons of 10 000' send_lines /models/one/steps "$work/lines"
attack 'a step with a horizon of 10 000' send_json POST /models/one/sessions/s1/step "$work/step"
attack 'a hundred of those' hundred_steps
attack 'a list of steps with horizons of 1 000' send_json POST /models/one/steps "$work/list"
attack 'a list of 50 000 steps' send_json POST /models/one/steps "$work/long_list"
attack '300 000 lines' send_lines /models/one/steps "$work/many_lines"
attack 'a sequence of 16 MB' send_json POST /models/broad/predict "$work/wide_predict"
attack 'a PUT of 16 MB' send_json PUT /models/broad/sessions/w "$work/wide_rewarm"
attack 'a step of 16 MB' send_json POST /models/one/sessions/s1/step "$work/large_step"
attack 'a forecast of 16 MB' send_json POST /models/one/sessions/s1/forecast "$work/large_forecast"
attack 'a fork of 16 MB' send_json POST /models/one/sessions/s1/fork "$work/large_fork"
attack 'a list of 20 000 steps that look ahead' send_json POST /models/one/steps "$work/wide_list"
attack 'a training series of 16 MB' send_lines /fine_tuning/jobs "$work/wide_job"
attack 'sessions?limit=1' ask GET '/models/one/sessions?limit=1'
touch "$HELD_DISK"
attack 'slow disk: a job, its readers' jobs_and_events
attack 'slow disk: an upload' send_model "$work/same.safetensors"
attack 'slow disk: an upload of another size' send_model "$work/other.safetensors"
attack 'slow disk: an activation' ask POST /models/one/versions/2/activate
attack 'slow disk: an activation to another size' ask POST /models/one/versions/3/activate
attack 'slow disk: back again' ask POST /models/one/versions/2/activate
attack 'slow disk: a deletion' ask DELETE /models/one/versions/3
attack 'slow disk: 9 000 new sessions' send_lines /models/one/steps "$work/new"
exec 3>&-
wait $probe
rm "$HELD_DISK"
if grep -qv '^2' "$work/statuses"; then
    echo "bench_health: some were not answered as meant: $(sort "$work/statuses" | uniq -c | tr '\n' ' ')"
fi
