#!/bin/bash
# A first model of one's own, by the `docker run` of docs/DEPLOYING.md, from a file as Python's safetensors writes it: for its owner alone.
# Docker does not call a grud healthy that serves none of its models; chmod and SIGHUP mend it. And the `docker run` of README.md.
set -euo pipefail
. tests/docker/common.sh
new_volume page

# run_of PAGE PATTERN: the page's first `docker run` that fits, but for name and port, which are the test's own; sets $name.
run_of() {
    local command word PWD=$work words=() options=()
    command=$(sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$1" | grep -o 'docker run .* grud$' | grep -m 1 -e "$2")
    like "$1 has such a docker run" '^docker run .*GRUD_LISTEN_REMOTE=yes' "$command"
    command=${command#docker run}
    eval "words=(${command% grud})"
    while [ ${#words[@]} -gt 0 ]; do
        word=${words[0]}
        words=("${words[@]:1}")
        case $word in
        -d | --rm) ;;
        --name | -p) words=("${words[@]:1}") ;;
        *) options+=("${word/#grud-data:/$volume:}") ;;
        esac
    done
    name=$mark-$3
    $docker run -d --name "$name" --label "$mark" -p 127.0.0.1::8080 --health-interval 1s --health-start-period 1s "${options[@]}" "$image" \
        >/dev/null
}

mkdir -m 755 "$work/models"
install -m 600 examples/host-load/host-load.safetensors "$work/models"
run_of docs/DEPLOYING.md /models:ro own
for _ in $(seq 600); do
    [ "$(state Health.Status)" != unhealthy ] || break
    sleep 0.1
done
is "with a model that it may not read it is not healthy" unhealthy "$(state Health.Status)"
like "docker inspect says why" 'answered 503: no model is served' "$($docker inspect -f '{{json .State.Health.Log}}' "$name")"
like "the log names the file, and says what to do" 'model_refused file=/models/host-load.safetensors .*chmod a\+r it.*then SIGHUP' \
    "$($docker logs "$name" 2>&1)"
chmod a+r "$work/models/host-load.safetensors"
$docker kill -s HUP "$name" >/dev/null
await_ready
like "after chmod and SIGHUP it serves it" '"session":"a","step":1,' "$(step a '[1,2,3,4,5]')"
await_healthy

run_of README.md . demo
await_ready
like "the demo model is served" '"session":"a","step":1,' "$(step a '[1,2,3,4,5]')"
finish
