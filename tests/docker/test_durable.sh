#!/bin/bash
# Killed, or stopped under load, and started again: every step that was acknowledged is there, none twice, and the streams go on as if
# nothing had been.
set -euo pipefail
. tests/docker/common.sh
clients=4

# One step after the other on one connection, the answers noted, until the connection ends. (The fragment only makes the URLs many.)
stream() {
    curl -s --fail-early -H "$json" -d "{\"x\":[10,$1,0.5,1000,0]}" -w '\n' "$url/$U/sessions/load-$1/step#[1-2000000]" >"$work/load-$1" || true
}

start_load() {
    streams=()
    for k in $(seq "$clients"); do
        stream "$k" &
        streams+=($!)
    done
    sleep 2
}

# The last step that the client was told of; a line that the end cut is none.
acknowledged() {
    { grep -o '^{"session":.*}$' "$work/load-$1" || true; } | tail -n 1 | jq '.step // 0'
}

# After the end of the load: each session has its acknowledged steps (and at most the one that was being answered), and is where a
# whole sequence of so many readings would have led it.
check_sessions() {
    for k in $(seq "$clients"); do
        local acknowledged session n
        acknowledged=$(acknowledged "$k")
        session=$(curl -s "$url/$U/sessions/load-$k")
        n=$(jq .step <<<"$session")
        check "session $k: $acknowledged steps acknowledged, $n there" test "$acknowledged" -gt 0 -a "$n" -ge "$acknowledged" -a "$n" -le $((acknowledged + most_unanswered))
        whole=$(jq -nc --argjson n "$n" --argjson x "[10,$k,0.5,1000,0]" '{x: [range($n) | $x], return: "last"}' |
            curl -s "$url/$U/predict" -H "$json" --data-binary @-)
        is "session $k: its state is that of $n steps" "$(jq -c '.y[-1]' <<<"$whole")" "$(jq -c .y <<<"$session")"
        like "session $k goes on" "\"step\":$((n + 1))," "$(step "load-$k" "[10,$k,0.5,1000,0]")"
    done
}

new_volume sessions
serve durable -v "$volume:/data"
echo "       docker kill -s KILL under load"
start_load
$docker kill -s KILL "$name" >/dev/null
wait "${streams[@]}"
is "it was killed" 137 "$(state ExitCode)"
$docker start "$name" >/dev/null
await_ready
most_unanswered=1
check_sessions

echo "       docker stop under load"
for k in $(seq "$clients"); do curl -s -X DELETE "$url/$U/sessions/load-$k" >/dev/null; done
start_load
began=$(date +%s%N)
$docker stop "$name" >/dev/null
echo "       docker stop took $((($(date +%s%N) - began) / 1000000)) ms"
wait "${streams[@]}"
is "it ended with 0" 0 "$(state ExitCode)"
like "and synced" 'stopped synced=yes' "$($docker logs "$name" 2>&1 | tail -n 1)"
is "no answer was cut" "" "$(grep -hv '^{"session":.*}$' "$work"/load-? || true)"
$docker rm "$name" >/dev/null

serve next -v "$volume:/data" # another container, the same volume
most_unanswered=0
check_sessions
finish
