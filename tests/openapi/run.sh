#!/usr/bin/env bash
# run.sh BUILD: compares the running daemon with its OpenAPI document. openapi-spec-validator says
# whether it is one; links.py follows each of its links; schemathesis sends what it allows and what it
# does not, chains requests by links, and checks every answer. The tools come from PyPI, into a folder
# below BUILD.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "$1")
grud=$build/grud
tools=$build/openapi
versions='schemathesis==4.32.5 openapi-spec-validator==0.9.0'

if [ "$(cat "$tools/versions" 2>/dev/null)" != "$versions" ]; then
    rm -rf "$tools"
    mkdir -p "$tools"
    # shellcheck disable=SC2086 # one word each
    if ! { python3 -m venv "$tools/venv" &&
        "$tools/venv/bin/pip" install --quiet --disable-pip-version-check $versions; } \
        >"$tools/log" 2>&1; then
        echo "-- OpenAPI: SKIPPED, its tools cannot be installed: $(tail -1 "$tools/log")"
        exit 0
    fi
    echo "$versions" >"$tools/versions"
fi

work=$(mktemp -d)
daemon=
port=
finish() {
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT

mkdir "$work/models" "$work/data"
key=all-0f1e2d3c4b5a6978
echo "$key read,predict,train,admin" >"$work/keys"
export OPENAPI_MODEL=$work/models/weather.safetensors
"$grud" init --inputs temp,humidity --outputs temp,humidity --layers 8 -o "$OPENAPI_MODEL"
# a machine that is busy is no fault: no step is refused for its wait
"$grud" --listen 127.0.0.1:0 --port-file "$work/port" --models "$work/models" --data "$work/data" \
    --api-keys "$work/keys" --record 1000 --amend yes --queue-ms 60000 2>"$work/log" &
daemon=$!
for ((k = 0; k < 600 && ${#port} == 0; k++)); do
    sleep 0.1
    port=$(cat "$work/port" 2>/dev/null || true)
done
base=http://127.0.0.1:$port
curl() { command curl -sS --fail -H "authorization: Bearer $key" "$@"; }

# something to learn from, and a version that is not active
for ((k = 0; k < 120; k++)); do
    echo "{\"session\":\"pump-$((k % 2 + 7))\",\"x\":[$((k % 24)),0.$((k % 10))]}"
done >"$work/steps"
curl -o "$work/replies" -H 'content-type: application/x-ndjson' --data-binary "@$work/steps" \
    "$base/v1/models/weather/steps"
curl -o "$work/model" -X PUT -H 'content-type: application/octet-stream' \
    --data-binary "@$OPENAPI_MODEL" "$base/v1/models/weather"

curl -o "$work/openapi.json" "$base/openapi.json"
"$tools/venv/bin/openapi-spec-validator" "$work/openapi.json"
"$tools/venv/bin/python" tests/openapi/examples.py "$work/openapi.json"
"$tools/venv/bin/python" tests/openapi/links.py "$work/openapi.json" "$base" "$key" "$OPENAPI_MODEL"
export SCHEMATHESIS_HOOKS=hooks PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$PWD/tests/openapi
config=$PWD/tests/openapi/schemathesis.toml
cd "$work" # where it keeps what it has found
"$tools/venv/bin/schemathesis" --no-color --config-file "$config" run \
    -H "Authorization: Bearer $key" "$base/openapi.json"
kill -TERM "$daemon"
wait "$daemon"
daemon=
