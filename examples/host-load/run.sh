#!/bin/sh
# Starts grud with this folder's model and the feeder beside it; Ctrl-C stops both. Sessions, and what they recorded in
# the last day, survive in build/demo-data. $PORT is another port than 8080, $DATA another folder.
set -eu
here=$(dirname "$0")
grud=${GRUD:-build/grud}
address=127.0.0.1:${PORT:-8080}
url=http://$address
data=${DATA:-build/demo-data}
feeder=

mkdir -p "$data"
# In a session of its own, where the terminal's Ctrl-C does not reach it: `stop` asks it to end, once.
setsid "$grud" --models "$here" --data "$data" --record 86400 --listen "$address" &
server=$!

stop() {
    trap '' INT TERM HUP
    [ -z "$feeder" ] || kill "$feeder" 2>/dev/null || true
    kill "$server" 2>/dev/null || true
    wait
}
trap 'stop; exit 0' INT TERM HUP

for _ in 1 2 3 4 5 6 7 8 9 10; do
    "$grud" --health "$url/readyz" 2>/dev/null && break
    kill -0 "$server" 2>/dev/null || { # grud has said why
        echo "if the port is taken: PORT=8081 make run"
        exit 1
    }
    sleep 0.2
done

echo "grud serves $url; try  curl $url/v1/models/host-load  in another terminal; Ctrl-C stops"
"$here/feed.sh" -u "$url" &
feeder=$!
wait "$feeder" || true
stop
