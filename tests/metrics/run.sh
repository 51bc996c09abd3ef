#!/bin/bash
# run.sh: what grud tells Prometheus, by Prometheus' own tool. A daemon serves steps, jobs,
# evictions and errors of each kind; then promtool looks at its metrics, at the alert rules and at
# their tests, and check.py compares rules, board and page with what the daemon has printed. The
# daemon is $GRUD.
set -euo pipefail
cd "$(dirname "$0")/../.."
grud=${GRUD:-build/grud}
promtool=${PROMTOOL:-promtool}
work=$(mktemp -d)
pids=
finish() {
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

# ---- the daemon ----
mkdir "$work/models"
"$grud" init --inputs temp,load --outputs temp,load --layers 8 --season 4 \
    -o "$work/models/pump.safetensors" >/dev/null
echo "no model" >"$work/models/broken.safetensors"
# start NAME OPTION...: a daemon with the models; sets $url and $model.
start() {
    "$grud" --models "$work/models" --listen 127.0.0.1:0 --port-file "$work/$1.port" "${@:2}" \
        >"$work/$1.log" 2>&1 &
    pids="$! $pids"
    for _ in $(seq 600); do
        [ ! -s "$work/$1.port" ] || break
        sleep 0.1
    done
    [ -s "$work/$1.port" ] || {
        cat "$work/$1.log" >&2
        exit 1
    }
    url=http://127.0.0.1:$(cat "$work/$1.port")
    model=$url/v1/models/pump
}
start alone --data "$work/data" --record 1000 --session-max 4 --session-full evict

# ask CODE METHOD URL [BODY [TYPE]]: the answer, which must have that status.
ask() {
    local code
    code=$(curl -s -o "$work/answer" -w '%{http_code}' -X "$2" "$3" \
        -H "content-type: ${5:-application/json}" ${4+--data-binary "$4"})
    [ "$code" = "$1" ] || {
        echo "metrics: $2 $3: $code, not $1: $(cat "$work/answer")" >&2
        exit 1
    }
    cat "$work/answer"
}

# ---- what it serves ----
step=$model/sessions/a/step
stream() { # N: readings of session a
    for k in $(seq "$1"); do
        echo "{\"session\":\"a\",\"x\":[$((k % 4)),$((k * 7 % 11))],\"level\":0.9,\"horizon\":2}"
    done | ask 200 POST "$model/steps" @- application/x-ndjson >/dev/null
}
stream 60
ask 200 POST "$step" '{"x":[1,2],"at":1763668800}' >/dev/null
ask 200 POST "$step" '{"x":[1,2],"at":1763668800}' >/dev/null
ask 200 POST "$model/predict" '{"x":[[1,2],[3,4]],"horizon":3}' >/dev/null
for session in b c d e f; do
    ask 200 POST "$model/sessions/$session/step" '{"x":[1,2]}' >/dev/null
    ask 200 POST "$step" '{"x":[1,2]}' >/dev/null
done
ask 204 DELETE "$model/sessions/f" >/dev/null
ask 200 GET "$model/sessions" >/dev/null
series=$(seq 120 | awk '{ printf "%s[%.3f,%.3f]", (NR > 1 ? "," : ""), sin($1 / 3), cos($1 / 3) }')
job=$(ask 202 POST "$url/v1/fine_tuning/jobs" \
    "{\"model\":\"pump\",\"hyperparameters\":{\"n_epochs\":2,\"window\":16},
      \"training\":{\"series\":[{\"x\":[$series]}]}}" | jq -r .id)
for _ in $(seq 600); do
    ask 200 GET "$url/v1/fine_tuning/jobs/$job" | grep -q '"status":"succeeded"' && break
    sleep 0.1
done
stream 200
for _ in $(seq 600); do # until drift has something to compare
    [ "$(ask 200 GET "$model" | jq .drift.ratio)" = null ] || break
    sleep 0.1
done

ask 201 PUT "$model/rules/off" '{"coverage":true,"below":0.5,"url":"https://example.org/"}' >/dev/null

# ---- what it refuses ----
ask 400 POST "$step" '{"x":' >/dev/null
ask 404 GET "$url/nothing" >/dev/null
ask 404 GET "$url/v1/models/none" >/dev/null
ask 405 DELETE "$url/v1/models" >/dev/null
ask 409 POST "$step" '{"x":[1,2],"at":1763668000}' >/dev/null
ask 410 GET "$model/sessions/b" >/dev/null
ask 415 POST "$step" '{"x":[1,2]}' text/plain >/dev/null
ask 501 POST "$step" '{"x":[1,2],"at":1763668000,"late":"amend"}' >/dev/null

ask 200 GET "$url/metrics" >"$work/metrics"
ask 200 GET "$url/metrics/forecasts?ahead=2" >"$work/forecasts"

# ---- a node of a cluster ----
# Debian's redis-tools has the program of redis-server under another name.
engine=$(command -v redis-server || command -v redis-check-rdb)
engine_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
(exec -a redis-server "$engine" --port "$engine_port" --bind 127.0.0.1 --dir "$work" --save '') >/dev/null &
engine_pid=$!
pids="$engine_pid $pids"
start node --cluster "redis://127.0.0.1:$engine_port"
for _ in $(seq 600); do
    [ "$(curl -s -o /dev/null -w '%{http_code}' "$url/readyz")" != 200 ] || break
    sleep 0.1
done
ask 200 POST "$model/sessions/a/step" '{"x":[1,2]}' >/dev/null
kill -9 "$engine_pid"
wait "$engine_pid" 2>/dev/null || true
for _ in $(seq 600); do
    ask 200 GET "$url/metrics" >"$work/node-metrics"
    ! grep -q '^grud_cluster_up 0' "$work/node-metrics" || break
    sleep 0.1
done
cat "$work/metrics" "$work/node-metrics" >"$work/all-metrics"

# ---- what Prometheus says ----
failed=0
# check FACT COMMAND...
check() {
    if "${@:2}" >"$work/said" 2>&1; then
        echo "ok: $1"
    else
        echo "FAILED: $1" >&2
        cat "$work/said" >&2
        failed=1
    fi
}
rules=config/prometheus/grud.rules.yml
# Each query of the board as a rule: its variables are Grafana's.
board_rules() {
    echo "groups: [{ name: board, rules: ["
    jq '.panels[].targets // [] | .[].expr | gsub("\\$__rate_interval"; "5m") | gsub("\\$[a-z]+"; ".*")
        | { record: "board:query", expr: . }' config/grafana/grud.json |
        jq -s -c 'to_entries[] | .value + { labels: { n: (.key | tostring) } }' | sed 's/$/,/'
    echo "]}]"
}
board_rules >"$work/board.yml"
check "promtool takes the metrics" "$promtool" check metrics <"$work/metrics"
check "and those of a node of a cluster" "$promtool" check metrics <"$work/node-metrics"
check "and the forecasts of sessions" "$promtool" check metrics <"$work/forecasts"
check "promtool takes the rules" "$promtool" check rules "$rules"
check "and the board's queries" "$promtool" check rules "$work/board.yml"
check "each alert fires when it is to, and only then" "$promtool" test rules "${rules%.yml}.test.yml"
# The n-th configuration of the page.
page_config() {
    awk -v n="$1" '/^```/ { is_yaml = $0 == "```yaml"; n -= is_yaml; next } is_yaml && n == 0' \
        docs/METRICS.md >"$work/page.yml"
    [ -s "$work/page.yml" ] && "$promtool" check config --syntax-only "$work/page.yml"
}
check "promtool takes the page's configuration" page_config 1
check "and that for the forecasts of sessions" page_config 2
check "promtool takes what compose gives Prometheus" \
    "$promtool" check config --syntax-only docker/prometheus.yml
# Grafana's own types of a board are a package of npm; Grafana itself is in no registry of packages.
schema=build/npm/node_modules/@grafana/schema/package.json
is_what_grafana_takes() {
    grep -q "grafana/grafana:$(jq -r .version "$schema")" docker/compose.yaml &&
        { echo 'import type { Board } from "../../tests/metrics/board";' &&
            echo 'export const board: Board =' && cat config/grafana/grud.json; } >build/npm/board.ts &&
        build/npm/node_modules/.bin/tsc -p tests/metrics/tsconfig.json
}
if [ -e "$schema" ]; then
    check "the board is what the types of compose's Grafana say" is_what_grafana_takes
else
    echo "metrics: SKIPPED, npm has not brought the types of Grafana's boards"
fi
check "page, board and rules name what there is" \
    python3 tests/metrics/check.py "$work/all-metrics" "$work/forecasts"
exit "$failed"
