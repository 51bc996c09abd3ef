#!/bin/bash
# A first model of one's own, by the `docker run` of docs/DEPLOYING.md, from a file as Python's safetensors writes it: for its owner alone.
# Docker does not call a grud healthy that serves none of its models; chmod and SIGHUP mend it. And the `docker run` of the demo model.
set -euo pipefail
. tests/docker/common.sh
new_volume page

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

# demo: serves the demo model.
demo() {
    await_ready
    like "the demo model is served" '"session":"a","step":1,' "$(step a '[1,2,3,4,5]')"
}
run_of README.md --rm readme
demo
run_of docs/DEPLOYING.md --rm demo
demo
finish
