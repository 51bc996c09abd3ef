#!/bin/bash
# What is wrong with a container's models, data, port or options is said in its log, in one line, and ends it with 2 where trying again
# cannot help. One bad model does not keep the others from being served.
set -euo pipefail
. tests/docker/common.sh

# says FACT CODE PATTERN: $code is this, and $log has one line of error, which fits.
says() {
    local errors
    errors=$(grep -E ' error |^grud: ' <<<"$log" || true)
    is "$1: it ends with $2" "$2" "$code"
    is "$1: one line says why" 1 "$(grep -c . <<<"$errors")"
    like "$1: and what" "$3" "$errors"
}

# refused FACT CODE PATTERN OPTION... [-- ARGUMENT...]: a container with these options ends so.
n_refused=0
refused() {
    n_refused=$((n_refused + 1))
    run "refused-$n_refused" "${@:4}"
    await_end
    says "$1" "$2" "$3"
}

mkdir -m 755 "$work/models" "$work/others"
mkdir -m 700 "$work/private"
install -m 644 examples/host-load/host-load.safetensors "$work/models"
new_volume data

refused "no folder of models" 2 '/nowhere.*No such file' -e GRUD_MODELS=/nowhere
refused "a file for a folder of models" 2 '/usr/bin/grud.*Not a directory' -e GRUD_MODELS=/usr/bin/grud
refused "a folder of models that it may not read" 2 '/models.*Permission denied' -v "$work/private:/models:ro"
refused "data that it may not write" 2 '/data.*Permission denied' -v "$work/others:/data"
refused "data that is read-only" 2 '/data.*Read-only' -v "$volume:/data:ro"
refused "data that is full" 1 '/data.*No space' --tmpfs /data:uid=10001,size=4k
refused "an option that there is not" 2 'GRUD_SESION_MAX' -e GRUD_SESION_MAX=10
refused "a value that is no number" 2 'session-max|GRUD_SESSION_MAX' -e GRUD_SESSION_MAX=many
refused "a flag that there is not" 2 '--sesion-max' -- --sesion-max 10
refused "no keys, and not told that none are needed" 2 'GRUD_API_KEYS.*GRUD_LISTEN_REMOTE=yes' -e GRUD_LISTEN_REMOTE=no
refused "keys that are not there" 2 '/run/secrets/keys.*No such file' -e GRUD_API_KEYS=/run/secrets/keys

serve first
code=0
log=$($docker exec "$name" grud 2>&1) || code=$?
says "a port in use" 1 '0.0.0.0:8080.*in use'

head -c 500 "$work/models/host-load.safetensors" >"$work/models/cut.safetensors"
echo '{}' >"$work/models/other.safetensors"
install -m 600 "$work/models/host-load.safetensors" "$work/models/closed.safetensors"
serve mixed -v "$work/models:/models:ro"
log=$($docker logs "$name" 2>&1)
for bad in cut other closed; do
    is "$bad.safetensors: one line says that it is left out" 1 "$(grep -c "model_refused file=/models/$bad.safetensors" <<<"$log")"
done
like "the good one is served" '"step":1,' "$(step a '[1,2,3,4,5]')"
finish
