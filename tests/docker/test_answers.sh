#!/bin/bash
# The image answers as the host's build does, with the demo model and with the user's.
set -euo pipefail
. tests/docker/common.sh

mkdir -m 755 "$work/models"
install -m 644 examples/host-load/host-load.safetensors examples/sunspots/sunspots.safetensors "$work/models"
serve image -v "$work/models:/models:ro"
image_url=$url

$GRUD --models "$work/models" --listen 127.0.0.1:0 --port-file "$work/port" --log-level warn &
host=$!
trap 'kill "$host"; wait "$host" || true; tidy_up' EXIT
for _ in $(seq 600); do
    [ ! -s "$work/port" ] || break
    sleep 0.1
done
host_url=http://127.0.0.1:$(cat "$work/port")

# same FACT PATH BODY [CONTENT-TYPE]: both give the same text, and it is no error.
same() {
    local here there
    here=$(curl -s -w ' %{http_code}' "$host_url/v1/models/$2" -H "content-type: ${4:-application/json}" --data-binary "$3")
    there=$(curl -s -w ' %{http_code}' "$image_url/v1/models/$2" -H "content-type: ${4:-application/json}" --data-binary "$3")
    is "$1" "$here" "$there"
    like "$1, with 200" ' 200$' "$there"
}
for k in 1 2 3 4 5; do
    same "step $k" host-load/sessions/a/step "{\"x\":[$((k * 7)),40.5,null,1e5,$k],\"seq\":$k,\"horizon\":20}"
done
same "many steps, as lines" host-load/steps $'{"session":"b","x":[1,2,3,4,5]}\n{"session":"c","x":[5,4,3,2,1]}\n' application/x-ndjson
same "a forecast" host-load/sessions/a/forecast '{"horizon":500}'
sequence=$(tail -n +2 examples/sunspots/sunspots.csv | cut -d, -f2 | paste -sd, | sed 's/,/],[/g')
same "a whole sequence" sunspots/predict "{\"x\":[[$sequence]],\"return\":\"all\",\"horizon\":60}"
finish
