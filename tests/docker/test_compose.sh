#!/bin/bash
# compose.yaml as it is: grud, the feeder that streams this machine's load to it, and Prometheus that watches it.
set -euo pipefail
. tests/docker/common.sh

# Compose is a plugin of the client or, as in Debian 12, a program. Whichever there is takes the page's commands, which are in both
# spellings.
spellings=()
for spelling in "docker compose" docker-compose; do
    like "docs/DEPLOYING.md has the command for $spelling" "$spelling -f docker/compose.yaml" "$(<docs/DEPLOYING.md)"
    read -ra compose <<<"${spelling/#docker /$docker }"
    if "${compose[@]}" version >/dev/null 2>&1; then
        check "$spelling takes compose.yaml" "${compose[@]}" -f docker/compose.yaml --profile feeder --profile metrics --profile grafana config -q
        spellings+=("${compose[*]}")
    fi
done
read -ra compose <<<"${spellings[0]}"

# Prometheus' own image where a registry can be reached, else one of the distribution's package, laid out alike.
prometheus_image() {
    local official
    official=$(sed -n 's/.*{PROMETHEUS_IMAGE:-\(.*\)}/\1/p' docker/compose.yaml)
    if $docker image inspect "$official" >/dev/null 2>&1 || $docker pull -q "$official" >/dev/null 2>&1; then
        echo "$official"
        return
    fi
    $docker build -q -t grud-test-prometheus --build-arg BASE="${BASE:-debian:bookworm-slim}" - >/dev/null <<'END'
ARG BASE
FROM ${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends prometheus && install -d -o 65534 -g 65534 /prometheus
USER 65534
ENTRYPOINT ["prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"]
END
    echo grud-test-prometheus
}

# A port of 127.0.0.1 that nobody listens on.
free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)) && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

PROMETHEUS_IMAGE=$(prometheus_image)
PORT=$(free_port)
PROMETHEUS_PORT=$(free_port)
export PROMETHEUS_IMAGE PORT PROMETHEUS_PORT IMAGE=$image
url=http://127.0.0.1:$PORT
compose+=(-p "$mark" -f docker/compose.yaml)
trap '"${compose[@]}" --profile feeder --profile metrics down -v >/dev/null 2>&1 || true; tidy_up' EXIT

check "without a profile, up starts" "${compose[@]}" up -d --no-build
is "grud alone" grud "$("${compose[@]}" ps --services --filter status=running | xargs)"
check "with both profiles, up starts" "${compose[@]}" --profile feeder --profile metrics up -d --no-build

# eventually FACT COMMAND...: it holds within a minute.
eventually() {
    for _ in $(seq 60); do
        ! "${@:2}" >/dev/null 2>&1 || break
        sleep 1
    done
    check "$@"
}
has_steps() { curl -s "$url/$U/sessions" | jq -e '.sessions[0].step >= 3'; }
is_replayed() { curl -s "$url/v1/models/temperature/sessions/jfk" | jq -e '.step > 1200'; }
query() { curl -s "http://127.0.0.1:$PROMETHEUS_PORT/api/v1/query" --data-urlencode "query=$1" | jq -e ".data.result[0].value[1] | tonumber | $2"; }
eventually "the feeder streams" has_steps
eventually "temperatures are replayed" is_replayed
check "the page is shown" grep -q '<html' <(curl -s "$url/")
eventually "Prometheus sees grud" query 'up{job="grud"}' '. == 1'
eventually "and counts its steps" query grud_steps_total '. >= 3'

steps=$(curl -s "$url/$U/sessions" | jq '.sessions[0].step')
check "down ends all" "${compose[@]}" --profile feeder --profile metrics down
check "up again" "${compose[@]}" up -d --no-build
eventually "grud is back" curl -sf "$url/readyz"
check "with the steps of before" jq -e --argjson steps "$steps" '.sessions[0].step >= $steps' <(curl -s "$url/$U/sessions")
finish
