#!/bin/bash
# run.sh: the configurations of config/cluster, each run by its program before three nodes of the daemon $GRUD and a Redis. Only
# addresses, ports and places of files are the test's own. The last line says what passed.
set -euo pipefail
cd "$(dirname "$0")/../.."
unset GRU_URL OPENBLAS_CORETYPE reply "${!GRUD_@}"
export no_proxy=127.0.0.1,localhost # whatever proxy this machine has for the rest
PATH=$PATH:/usr/sbin
. tests/checks/checks.sh
work=$(mktemp -d)
model=/v1/models/host-load
nodes=(1 2 3)
sessions=(a b c d.1 e_2 f g h i j)
n_skipped=0
engine=
port=()
declare -A pid=() home=()

# end NAME SIGNAL
end() {
    kill "-$2" "${pid[$1]}" 2>/dev/null || true
    wait "${pid[$1]}" 2>/dev/null || true
    unset "pid[$1]"
}

tidy_up() {
    end_all
    rm -rf "$work"
}
trap tidy_up EXIT
trap 'exit 1' INT TERM

# A port of 127.0.0.1 that nobody listens at.
free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)) && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

# eventually FACT COMMAND...: it holds within a minute.
eventually() {
    for _ in $(seq 600); do
        ! "${@:2}" >/dev/null 2>&1 || break
        sleep 0.1
    done
    check "$@"
}

start_engine() {
    [ -n "$engine" ] || engine=$(free_port)
    redis-server --port "$engine" --bind 127.0.0.1 --dir "$work" --appendonly yes --appendfsync always >"$work/engine.log" &
    pid[engine]=$!
}

# start_node NUMBER: where it was before, if it was.
start_node() {
    $GRUD --models examples/host-load --listen "127.0.0.1:${port[$1]}" --workers 1 --log-level warn \
        --cluster "redis://127.0.0.1:$engine" 2>>"$work/node-$1.log" &
    pid[node-$1]=$!
    eventually "node $1 is ready" curl -sf "http://127.0.0.1:${port[$1]}/readyz"
}

# The configuration with the addresses of here.
localize() {
    local k script part
    script="s/\b8080\b/$front/; s/0\.0\.0\.0/127.0.0.1/; s/bind :/bind 127.0.0.1:/; s/listen /listen 127.0.0.1:/; s|/run/nginx.pid|$work/pid|"
    for part in client_body proxy fastcgi uwsgi scgi; do
        script+="; s|^http {|&\n    ${part}_temp_path $work/$part;|"
    done
    for k in "${nodes[@]}"; do
        script="s/node-$k:8080/127.0.0.1:${port[$k]}/; s/address: node-$k, port_value: 8080/address: 127.0.0.1, port_value: ${port[$k]}/; $script"
    done
    sed "$script" "config/cluster/$1"
}

# step SESSION SEQ: the reply's step, or the status of another reply. The reply is in the file $reply then.
step() {
    local status seq=${2:+,\"seq\":$2} file=${reply:-$work/reply}
    status=$(curl -s -m 60 -o "$file" -w '%{http_code}' "$url$model/sessions/$1/step" --json "{\"x\":[1,2,3,4,5]$seq}") || true
    if [ "$status" = 200 ]; then jq .step "$file"; else echo "$status"; fi
}

# Steps that each node has made, in a line.
made() {
    local k
    for k in "${nodes[@]}"; do
        { [ -n "${pid[node-$k]-}" ] && curl -s "http://127.0.0.1:${port[$k]}/metrics" || echo grud_steps_total 0; } |
            awk '/^grud_steps_total/ { n += $2 } END { printf "%d ", n }'
    done
    echo
}

# has_stepped BEFORE: the numbers of the nodes that have made steps since.
has_stepped() {
    local -a before after
    local k
    read -ra before <<<"$1"
    read -ra after <<<"$(made)"
    for k in "${nodes[@]}"; do [ "${before[k - 1]}" = "${after[k - 1]}" ] || echo "$k"; done
}

check_routing() {
    local s k before homes=
    for s in "${sessions[@]}"; do
        before=$(made)
        for k in 1 2 3 4 5; do is "step $k of session $s" "$k" "$(step "$s" "$k")"; done
        home[$s]=$(has_stepped "$before" | xargs)
        like "all of them at one node" '^[123]$' "${home[$s]}"
        homes+=${home[$s]}
    done
    is "each node has sessions" "1 2 3" "$(grep -o . <<<"$homes" | sort -u | xargs)"
    curl -s "$url$model/sessions/${sessions[0]}" -o "$work/session"
    is "and what reads it gets it" 5 "$(jq .step "$work/session")"
    check "and lists come" jq -e '.models | length == 1' <(curl -s "$url/v1/models")
}

check_stream() {
    curl -sN -m 60 "$url$model/sessions/$1/events" >"$work/events" &
    pid[stream]=$!
    eventually "a stream of session $1 is open" is_followed "${home[$1]}"
    is "a step of it" 6 "$(step "$1" 6)"
    eventually "the stream tells it" grep -q '"step":6' "$work/events"
    end stream KILL
}
is_followed() {
    curl -s "http://127.0.0.1:${port[$1]}/metrics" | grep -q '^grud_http_streams 1$'
}

# cut SESSION SEQ: what the client of a step gets whose node dies with it; the node is that of the session.
cut() {
    local client
    kill -STOP "${pid[node-${home[$1]}]}"
    step "$1" "$2" >"$work/cut" &
    client=$!
    sleep 0.5
    end "node-${home[$1]}" KILL
    wait "$client"
    cat "$work/cut"
}

# check_deaths WHAT-IS-SAID-TO-STEPS-WITH-SEQ TO-OTHERS
check_deaths() {
    local first=${sessions[0]} s next
    cut "$first" 6 >"$work/said"
    like "a step with seq whose node died with it" "^($1)$" "$(<"$work/said")"
    is "sent again, it counts once" 6 "$(step "$first" 6)"
    for s in "${sessions[@]:1}"; do
        next=$(curl -s "$url$model/sessions/$s" | jq '.step + 1')
        is "session $s goes on" "$next" "$(step "$s" "$next")"
    done
    start_node "${home[$first]}"
    eventually "back, the node has its sessions again" is_at_home "$first"
    kept=$(curl -s "$url$model/sessions/$first" | jq .step)
    cut "$first" "" >"$work/said"
    is "a step without seq whose node died with it is for its client to judge" "$2" "$(<"$work/said")"
    is "it was not made twice" "$((kept + 1))" "$(step "$first" "$((kept + 1))")"
    start_node "${home[$first]}"
}
is_at_home() {
    local before
    before=$(made)
    step "$1" "$(($(curl -s "$url$model/sessions/$1" | jq .step) + 1))" >/dev/null
    [ "$(has_stepped "$before")" = "${home[$1]}" ]
}

# ---- the programs: take_NAME says whether it takes a file, run_NAME runs it ----

take_haproxy() { haproxy -c -f "$1"; }
run_haproxy() { exec haproxy -db -f "$1"; }
take_nginx() { nginx -t -p "$work" -c "$1"; }
run_nginx() { exec nginx -p "$work" -c "$1" -g 'daemon off;'; }
take_envoy() { envoy --mode validate -c "$1"; }
run_envoy() { exec envoy --log-level error --disable-hot-restart -c "$1"; }

start_all() {
    local k
    start_engine
    for k in "${nodes[@]}"; do
        port[k]=$(free_port)
        start_node "$k"
    done
    front=$(free_port)
    url=http://127.0.0.1:$front
    localize "$2" >"$work/$2"
    check "$1 takes the file" "take_$1" "$work/$2"
    "run_$1" "$work/$2" >"$work/proxy.log" 2>&1 &
    pid[proxy]=$!
    eventually "it serves" curl -sf "$url/readyz"
}

end_all() {
    local name
    [ -z "${pid[proxy]-}" ] || end proxy TERM
    for name in "${!pid[@]}"; do end "$name" KILL; done
    rm -rf "$work/appendonlydir"
    engine=
}

# stream SESSION: steps with seq until $work/over is there, each sent again until it is acknowledged; then how many were, and whether
# each had its own number.
stream() {
    local from next got
    from=$(curl -s "$url$model/sessions/$1" | jq .step)
    next=$from
    while [ ! -e "$work/over" ]; do
        got=$(reply=$work/reply-$1 step "$1" "$((next + 1))")
        if [ "$got" = "$((next + 1))" ]; then
            next=$got
        elif [[ ! $got =~ ^(000|5..)$ ]]; then
            echo "step $((next + 1)) of session $1 got $got"
            return
        fi
    done
    [ "$next" -gt "$from" ] && echo "all $next are there"
}

# The engine is killed for so long that no node is ready.
check_engine() {
    local k next
    next=$(curl -s "$url$model/sessions/a" | jq '.step + 1')
    end engine KILL
    eventually "without the engine no node is ready" is_unready
    check "what is of no session goes on" curl -sf -m 60 "$url$model/predict" --json '{"x":[[1,2,3,4,5]]}'
    step a "$next" >"$work/said"
    is "a step is refused" 503 "$(<"$work/said")"
    is "with the reason" storage_failed "$(jq -r .error.code "$work/reply")"
    start_engine
    eventually "the engine is back, and the session goes on" goes_on a "$next"
    for k in "${nodes[@]}"; do eventually "node $k is ready" curl -sf "http://127.0.0.1:${port[k]}/readyz"; done
}
is_unready() {
    [ "$(curl -s -o /dev/null -w '%{http_code}' "$url/readyz")" = 503 ]
}
goes_on() {
    [ "$(step "$1" "$2")" = "$2" ]
}

# Each node in turn is asked to end, as an update does, and comes back.
check_update() {
    local k s
    for s in "${sessions[@]:0:3}"; do
        stream "$s" >"$work/streamed-$s" &
        pid[stream-$s]=$!
    done
    for k in "${nodes[@]}"; do
        end "node-$k" TERM
        start_node "$k"
    done
    touch "$work/over"
    for s in "${sessions[@]:0:3}"; do
        wait "${pid[stream-$s]}" || true
        unset "pid[stream-$s]"
        is "an update takes no step of session $s" "all $(curl -s "$url$model/sessions/$s" | jq .step) are there" "$(<"$work/streamed-$s")"
    done
    rm "$work/over"
}

# proxy NAME FILE REPLY-WITH-SEQ REPLY-WITHOUT: the last two as in check_deaths.
proxy() {
    echo "-- $1, config/cluster/$2"
    if command -v "$1" >/dev/null; then
        start_all "$1" "$2"
        check_routing
        check_stream "${sessions[1]}"
        check_deaths "$3" "$4"
        check_engine
        check_update
        end_all
    else
        echo "SKIPPED: there is no $1 here"
        n_skipped=$((n_skipped + 1))
    fi
}

proxy haproxy haproxy.cfg 6 502
proxy nginx nginx.conf 502 502
proxy envoy envoy.yaml 503 503
echo "proxies: $n_ok passed, $n_failed failed, $n_skipped skipped"
[ "$n_failed" -eq 0 ]
