#!/bin/sh
# Starts grud with this folder's model and the feeder beside it; Ctrl-C stops both. Sessions, and what they recorded in
# the last day, survive in build/demo-data.
set -eu
here=$(dirname "$0")
grud=${GRUD:-build/grud}
url=http://127.0.0.1:8080
data=build/demo-data
feeder=

mkdir -p "$data"
"$grud" --models "$here" --data "$data" --record 86400 --listen 127.0.0.1:8080 &
server=$!

stop() {
    trap - INT TERM
    [ -z "$feeder" ] || kill "$feeder" 2>/dev/null || true
    kill "$server" 2>/dev/null || true
    wait
}
trap 'stop; exit 0' INT TERM

for _ in 1 2 3 4 5 6 7 8 9 10; do
    "$grud" --health "$url/readyz" 2>/dev/null && break
    kill -0 "$server" 2>/dev/null || exit 1 # grud has said why
    sleep 0.2
done

echo "grud serves $url; try  curl $url/v1/models/host-load  in another terminal; Ctrl-C stops"
"$here/feed.sh" -u "$url" &
feeder=$!
wait "$feeder" || true
stop
