#!/bin/bash
# The profile `cluster` of compose.yaml as it is: three nodes behind HAProxy, sessions in Valkey. A node is killed, and the engine; no
# step is lost.
set -euo pipefail
. tests/docker/common.sh

read -ra compose <<<"$docker compose"
"${compose[@]}" version >/dev/null 2>&1 || compose=(docker-compose)
for spelling in "docker compose" docker-compose; do
    like "docs/CLUSTER.md has the command for $spelling" "$spelling -f docker/compose.yaml --profile cluster up proxy" "$(<docs/CLUSTER.md)"
done

# image_of VARIABLE PACKAGE TEXT: the official image that compose.yaml names where a registry can be reached, else one of the
# distribution's package, laid out alike by the text.
image_of() {
    local official
    official=$(sed -n "s/.*{$1:-\(.*\)}/\1/p" docker/compose.yaml)
    if $docker image inspect "$official" >/dev/null 2>&1 || $docker pull -q "$official" >/dev/null 2>&1; then
        echo "$official"
        return
    fi
    $docker build -q -t "grud-test-$2" --build-arg BASE="${BASE:-debian:bookworm-slim}" - >/dev/null <<END_OF_FILE
ARG BASE
FROM \${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends $2
$3
END_OF_FILE
    echo "grud-test-$2"
}
ENGINE_IMAGE=$(image_of ENGINE_IMAGE redis-server $'RUN install -d -o 999 -g 999 /data\nWORKDIR /data\nENTRYPOINT ["redis-server"]')
PROXY_IMAGE=$(image_of PROXY_IMAGE haproxy $'USER haproxy\nENTRYPOINT ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]')
while CLUSTER_PORT=$((20000 + RANDOM % 10000)) && (: <"/dev/tcp/127.0.0.1/$CLUSTER_PORT") 2>/dev/null; do :; done
export ENGINE_IMAGE PROXY_IMAGE CLUSTER_PORT IMAGE=$image
url=http://127.0.0.1:$CLUSTER_PORT/v1/models/host-load/sessions
compose+=(-p "$mark" -f docker/compose.yaml --profile cluster)
trap '"${compose[@]}" down -v >/dev/null 2>&1 || true; tidy_up' EXIT

check "up starts" "${compose[@]}" up -d --no-build proxy
is "what is asked for, and no more" "engine node-1 node-2 node-3 proxy" "$("${compose[@]}" ps --services --filter status=running | sort | xargs)"

# steps SESSION NUMBER: the session's next step is this, within a minute.
steps() {
    local got=
    for _ in $(seq 60); do
        got=$(curl -s -m 60 "$url/$1/step" --json "{\"x\":[1,2,3,4,5],\"seq\":$2}" | jq -r .step 2>/dev/null) || true
        [ "$got" != "$2" ] || break
        sleep 1
    done
    is "step $2 of session $1" "$2" "$got"
}
for s in a b c d e f; do steps $s 1; done
for k in 1 2 3; do
    $docker kill -s KILL "$("${compose[@]}" ps -q "node-$k")" >/dev/null
    for s in a b c d e f; do steps $s $((k + 1)); done
    "${compose[@]}" up -d --no-build "node-$k" >/dev/null 2>&1
done
$docker kill -s KILL "$("${compose[@]}" ps -q engine)" >/dev/null
"${compose[@]}" up -d --no-build engine >/dev/null 2>&1
for s in a b c d e f; do steps $s 5; done
check "down ends all" "${compose[@]}" down
finish
