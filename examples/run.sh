#!/bin/sh
# run.sh - the demo of `make run`: starts grud, streams this machine's load to it, and replays recorded temperatures
# beside that. Ctrl-C stops all. Sessions, and what they recorded in the last day, survive in build/demo-data. $PORT is
# another port than 8080, $DATA another folder.
set -eu
here=$(dirname "$0")
grud=${GRUD:-build/grud}
address=127.0.0.1:${PORT:-8080}
url=http://$address
data=${DATA:-build/demo-data}
feeders=

echo "see it at  $url/#/temperature/jfk  in a browser; Ctrl-C stops"
mkdir -p "$data"
# In a session of its own, where the terminal's Ctrl-C does not reach it: `stop` asks it to end, once.
setsid "$grud" --models "$here/host-load" --data "$data" --record 86400 --listen "$address" &
server=$!

stop() {
    trap '' INT TERM HUP
    # shellcheck disable=SC2086 # a list of numbers
    [ -z "$feeders" ] || kill $feeders 2>/dev/null || true
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

"$here/temperature/replay.sh" -u "$url" &
feeders=$!
"$here/host-load/feed.sh" -u "$url" &
feed=$!
feeders="$feeders $feed"
wait "$feed" || true
stop
