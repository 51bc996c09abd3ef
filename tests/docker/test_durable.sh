#!/bin/bash
# Killed, or stopped under load, and started again: every step that was acknowledged is there, none twice, and the streams go on as if
# nothing had been.
set -euo pipefail
. tests/docker/common.sh

new_volume sessions
serve durable -v "$volume:/data"
echo "       docker kill -s KILL under load"
start_load
$docker kill -s KILL "$name" >/dev/null
wait "${streams[@]}"
is "it was killed" 137 "$(state ExitCode)"
$docker start "$name" >/dev/null
await_ready
check_sessions 1

echo "       docker stop under load"
start_load
began=$(date +%s%N)
$docker stop "$name" >/dev/null
echo "       docker stop took $((($(date +%s%N) - began) / 1000000)) ms"
wait "${streams[@]}"
is "it ended with 0" 0 "$(state ExitCode)"
like "and synced" 'stopped synced=yes' "$($docker logs "$name" 2>&1 | tail -n 1)"
is "no answer was cut" "" "$(answers_that_were_cut)"
$docker rm "$name" >/dev/null

serve next -v "$volume:/data" # another container, the same volume
check_sessions 0
finish
