#!/bin/sh
# What a step over HTTP costs, beside the least that a libmicrohttpd server can do
# (bare_responder.c), and what an API key adds (a SHA-256, and its header): the server's processor
# time for a request, and how much of it is user space.
#
# All are asked at one fixed rate, half of what the bare responder can do, with requests due at
# random times: in a closed loop the ratio would depend on the generator (load_generator.c). They
# run on one core, the load on another, in short rounds in alternating order, so that what else the
# machine does meets all. Ratios are of pairs in a round.
#
# Usage: bench_http.sh [ROUNDS [SECONDS [CLIENTS [RATE]]]]      BUILD, GRUD: see common.sh
set -eu
rounds=${1:-20}
seconds=${2:-1}
clients=${3:-16}
# shellcheck source-path=SCRIPTDIR source=common.sh
. "$(dirname "$0")/common.sh"

make_model "$work/models/bench.safetensors"
start_bare
bare_pid=$pid bare_port=$port
start_grud grud --models "$work/models"
grud_pid=$pid grud_port=$port
key=$(od -An -tx1 -N24 /dev/urandom | tr -d ' \n')
(umask 077 && echo "$key predict" >"$work/keys")
start_grud keyed --models "$work/models" --api-keys "$work/keys" --key-rate 1000000
keyed_pid=$pid keyed_port=$port

rate=${4:-$(half_of_capacity "$bare_port" /answer)}
step='/v1/models/bench/sessions/s%d/step'
refuse() {
    echo "bench_http: answers that are not 200" >&2
    exit 1
}
load() { # NAME PID OPTION... PORT PATH: one round, its line is added to the file NAME
    name=$1 server=$2
    shift 2
    load_generator -c "$clients" -s "$seconds" -r "$rate" -p "$server" "$@" "$body" \
        >>"$work/$name" || refuse
}
one() { # NAME
    case $1 in
    bare) load bare "$bare_pid" "$bare_port" /answer ;;
    grud) load grud "$grud_pid" "$grud_port" "$step" ;;
    keyed) load keyed "$keyed_pid" -k "$key" "$keyed_port" "$step" ;;
    esac
}
round=0
while [ $round -lt "$rounds" ]; do
    if [ $((round % 2)) = 0 ]; then order="bare grud keyed"; else order="keyed grud bare"; fi
    for name in $order; do
        one "$name"
    done
    round=$((round + 1))
done
! grep -v -q refused=0.0000 "$work/bare" "$work/grud" "$work/keyed" || refuse

printf '%s rounds of %s s, %s requests a second, %s clients, one worker, H=64, 4 inputs\n' \
    "$rounds" "$seconds" "$rate" "$clients"
printf '%-6s %12s %18s %13s %12s %10s %10s\n' \
    server cpu_us/req '(least..most)' user_us/req requests/s p50_us p99_us
for name in bare grud keyed; do
    # the words of a summary are its median, least and most
    # shellcheck disable=SC2046
    set -- $(column $name cpu_us | summary) $(column $name rate | summary) \
        $(column $name p50_us | summary) $(column $name p99_us | summary)
    printf '%-6s %12.3f %18s %13.2f %12.0f %10.1f %10.1f\n' "$name" "$1" "($2..$3)" \
        "$(column $name user_us | mean)" "$4" "$7" "${10}"
done
ratio() { # TITLE NAME OTHER
    echo "$1: $(ratios "$2" "$3" cpu_us | awk '{ printf "%.3f (%.3f..%.3f)", $1, $2, $3 }')"
}
ratio 'processor time a request, grud/bare' grud bare
ratio 'with a key/without' keyed grud
echo 'medians (least..most); user_us is the mean of what the kernel samples: good to a tenth or two'
