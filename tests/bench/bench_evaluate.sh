#!/bin/sh
# Processor time of back-tests beside that of predictions of as many rows, over HTTP, by a server of
# one worker: at horizon 1, evaluate and predict of the same series; at horizon 12, where evaluate
# looks ahead from each row, predict of as many instances of one row with that horizon. Prints the
# least of ROUNDS, in microseconds a row of the series, and how fast evaluate is beside predict.
#
# Usage: bench_evaluate.sh [ROUNDS [UNITS...]], UNITS as in 512 or 512,512      BUILD, GRUD: see common.sh
set -eu
rounds=${1:-5}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- 8 32 64 512,512
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

mkdir -p "$work/models"
for units in "$@"; do
    "$grud" init --inputs a --outputs a --layers "$units" \
        -o "$work/models/m$(echo "$units" | tr , -).safetensors" >/dev/null
done
start_grud bench --models "$work/models"

# body KIND ROWS HORIZON
body() {
    awk -v kind="$1" -v n="$2" -v horizon="$3" 'BEGIN {
        printf kind == "instances" ? "{\"instances\":[" : "{\"x\":["
        for (t = 0; t < n; t++) {
            printf "%s", t ? "," : ""
            printf kind == "instances" ? "{\"x\":[[%.4f]]}" : "[%.4f]", sin(0.37 * t) + sin(2.3 * t)
        }
        print horizon ? "],\"horizon\":" horizon "}" : "]}"
    }' >"$work/$1-$3"
}
# Nanoseconds that the server has run for.
server_ns() {
    cat /proc/"$pid"/task/*/schedstat | awk '{ n += $1 } END { printf "%.0f\n", n }'
}
# cost MODEL VERB BODY ROWS: microseconds a row, the least of all rounds.
cost() {
    for _ in $(seq "$rounds"); do
        before=$(server_ns)
        curl -sSf -m 600 -o "$work/answer" -H 'content-type: application/json' \
            --data-binary "@$work/$3" "http://127.0.0.1:$port/v1/models/$1/$2"
        echo $(($(server_ns) - before)) "$4" | awk '{ printf "%.4g\n", $1 / $2 / 1000 }'
    done | sort -g | head -n 1
}

echo "evaluate beside predict, of $grud: processor time in us a row, the least of $rounds"
for units in "$@"; do
    case $units in *,*) n=2000 ;; *) n=80000 ;; esac
    m=$((n < 7000 ? n : 7000)) # with a horizon of 12 more would go beyond --row-max
    body series "$n" ""
    body series "$n" 12
    body instances "$m" 12
    model=m$(echo "$units" | tr , -)
    predict=$(cost "$model" predict series- "$n")
    evaluate=$(cost "$model" evaluate series- "$n")
    predict_ahead=$(cost "$model" predict instances-12 "$m")
    evaluate_ahead=$(cost "$model" evaluate series-12 "$n")
    echo "$units" "$predict" "$evaluate" "$predict_ahead" "$evaluate_ahead" | awk '{
        printf "%-8s units, horizon 1: %s, %s: %.2f x as fast;", $1, $2, $3, $2 / $3
        printf " horizon 12: %s, %s: %.2f x as fast\n", $4, $5, $4 / $5
    }'
done
