#!/bin/bash
# What the image is made of, what it may do when it runs, and how long it takes to be ready.
set -euo pipefail
. tests/docker/common.sh

config() { $docker inspect -f "{{$1}}" "$image"; }
size=$(config .Size)
check "the image has $((size / 1000000)) MB, fewer than 120" test "$size" -lt 120000000
is "it runs as 10001" 10001:10001 "$(config .Config.User)"
is "the daemon is what it runs" '[grud]' "$(config .Config.Entrypoint)"
is "it stops on SIGTERM" SIGTERM "$(config .Config.StopSignal)"
is "/data is a volume" 'map[/data:{}]' "$(config .Config.Volumes)"
like "its health is checked by the daemon's own program" '^\[CMD grud --health' "$(config .Config.Healthcheck.Test)"
for label in title description licenses version revision created base.name; do
    like "label $label" . "$(config "index .Config.Labels \"org.opencontainers.image.$label\"")"
done
in_image() { $docker run --rm --label "$mark" --entrypoint "$1" "$image" "${@:2}"; }
is "no compiler, no make, no headers" "" "$(in_image sh -c 'command -v gcc cc make; ls /usr/include' 2>/dev/null)"
for image_of in "$image" "$image-feeder"; do
    is "in $image_of no program gives another user's rights" "" "$($docker run --rm --label "$mark" --user 0 --entrypoint find "$image_of" \
        / -xdev -type f -perm /6000)"
done
is "that anyone may use it is not the image's to say" "" "$(config .Config.Env | grep -o 'GRUD_LISTEN_REMOTE[^ ]*' || true)"
is "no library is missing" "" "$(in_image ldd /usr/bin/grud | grep 'not found' || true)"
like "it says its version" "^grud [0-9.]+" "$(in_image grud --version)"

began=$(date +%s%N)
serve plain
echo "       from docker run to ready: $((($(date +%s%N) - began) / 1000000)) ms; $($docker logs "$name" 2>&1 | grep -o 'ready .*')"
inside() { $docker exec "$name" "$@"; }
own_status() { inside sed -n "s/^$1:[[:space:]]*//p" /proc/1/status; }
is "the daemon is process 1" grud "$(own_status Name)"
is "it is nobody" "10001 10001 10001 10001" "$(own_status Uid | tr '\t' ' ')"
is "it has no capability" 0000000000000000 "$(own_status CapEff)"
is "and none to gain" 0000000000000000 "$(own_status CapBnd)"
is "nor new privileges" 1 "$(own_status NoNewPrivs)"
like "the root file system is read-only" 'Read-only file system' "$(inside touch /usr/bin/x 2>&1 || true)"
like "and so are the models" 'Read-only file system' "$(inside touch /models/x 2>&1 || true)"
like "the demo model is served without an option" '"session":"a","step":1,' "$(step a '[10,40,0.5,1000,0]')"
await_healthy
finish
