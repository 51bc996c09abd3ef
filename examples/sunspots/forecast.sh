#!/bin/sh
# forecast.sh [MONTHS] - streams the sunspot series through grud, and sets its forecasts beside what was observed.
# Needs curl, jq and awk; $GRU_URL (default http://127.0.0.1:8080), $GRU_MODEL (default sunspots), and $GRU_API_KEY where the
# daemon wants one.
set -eu
export LC_ALL=C

months=${1:-120} # how many of the last months to print
horizon=12
url=${GRU_URL:-http://127.0.0.1:8080}
model_url=${url%/}/v1/models/${GRU_MODEL:-sunspots}
session=forecast-$$
csv=$(dirname "$0")/sunspots.csv

case $months in
'' | *[!0-9]* | 0) echo "usage: forecast.sh [MONTHS]" >&2 && exit 2 ;;
esac
streamed=$((months + horizon)) # the first months printed need the forecasts of the year before them
warm_up=$(($(wc -l <"$csv") - 1 - streamed))
[ "$warm_up" -gt 0 ] || { echo "forecast.sh: the series is not that long" >&2 && exit 2; }

authorization="${GRU_API_KEY:+header = \"Authorization: Bearer $GRU_API_KEY\"}"

# call METHOD PATH: the body from standard input, the reply to standard output; or an error's message, and failure.
# The key goes in by a here-document, so that `ps` does not show it.
call() {
    curl -sS -m 60 -K /dev/fd/3 -X "$1" -H 'Content-Type: application/json' --data-binary @- "$model_url$2" 3<<END |
$authorization
END
        jq -ce 'if .error then .error.message + "\n" | halt_error else . end'
}
trap 'call DELETE "/sessions/$session" </dev/null >/dev/null 2>&1 || true' EXIT
trap 'exit 130' INT TERM

# Warm-up: the whole past in one request, one step after the other in the same session.
refused=$(tail -n +2 "$csv" | head -n "$warm_up" |
    jq -R -s --arg session "$session" \
        '{steps: [split("\n")[] | select(. != "") | {session: $session, x: [split(",")[1] | tonumber]}]}' |
    call POST /steps | jq -r 'first(.results[] | .error // empty | .message) // "nothing"')
if [ "$refused" != nothing ]; then
    [ -z "$refused" ] || echo "$refused" >&2
    exit 1
fi

# Then month by month: a reading goes in, the forecast of the next months comes out.
tail -n "$streamed" "$csv" | while IFS=, read -r month number; do
    echo "{\"x\":[$number],\"horizon\":$horizon}" | call POST "/sessions/$session/step" |
        jq -re --arg reading "$month $number" '"\($reading) \(.forecast[0][0]) \(.forecast[-1][0])"'
done | awk -v horizon="$horizon" -v months="$months" '
    function error(a, b) { return a > b ? a - b : b - a }
    BEGIN { printf "%-7s  %8s  %14s  %15s\n", "month", "observed", "said 1 before", "said 12 before" }
    {
        observed[NR] = $2; next_month[NR] = $3; next_year[NR] = $4
        if (NR <= horizon) next
        n++
        printf "%-7s  %8.1f  %14.1f  %15.1f\n", $1, $2, next_month[NR - 1], next_year[NR - horizon]
        model1 += error($2, next_month[NR - 1]); persistence1 += error($2, observed[NR - 1])
        model12 += error($2, next_year[NR - horizon]); persistence12 += error($2, observed[NR - horizon])
    }
    END {
        if (n < months) exit 1
        line = "mean absolute error, %2d ahead: model %5.2f, persistence %5.2f, skill %+.2f\n"
        printf line, 1, model1 / n, persistence1 / n, 1 - model1 / persistence1
        printf line, horizon, model12 / n, persistence12 / n, 1 - model12 / persistence12
    }'
