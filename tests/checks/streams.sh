# streams.sh - clients that step a session each while grud is being ended, and what must hold of
# their sessions when it is back; to be read (`.`) beside checks.sh, with $url, the daemon's
# address.
# shellcheck shell=bash disable=SC2154 # $work and $url come from there
clients=4
U=v1/models/host-load
json='content-type: application/json'

# step SESSION READING [MORE]: one step, its answer
step() {
    curl -s "$url/$U/sessions/$1/step" -H "$json" -d "{\"x\":$2${3:+,$3}}"
}

# One step after the other on one connection, the answers noted, until the connection ends. (The
# fragment only makes the URLs many.)
stream() {
    curl -s --fail-early -H "$json" -d "{\"x\":[10,$1,0.5,1000,0]}" -w '\n' "$url/$U/sessions/load-$1/step#[1-2000000]" >"$work/load-$1" || true
}

start_load() {
    local k
    streams=()
    for k in $(seq "$clients"); do
        curl -s -X DELETE "$url/$U/sessions/load-$k" >/dev/null
        stream "$k" &
        streams+=($!)
    done
    sleep 2
}

# The last step that the client was told of; a line that the end cut is none.
acknowledged() {
    { grep -o '^{"session":.*}$' "$work/load-$1" || true; } | tail -n 1 | jq '.step // 0'
}

answers_that_were_cut() {
    grep -hv '^{"session":.*}$' "$work"/load-? || true
}

# check_sessions MOST_UNANSWERED: after the end of the load each session has its acknowledged steps,
# at most so many more, and is where a whole sequence of so many readings would have led it.
check_sessions() {
    local k acknowledged session n whole
    for k in $(seq "$clients"); do
        acknowledged=$(acknowledged "$k")
        session=$(curl -s "$url/$U/sessions/load-$k")
        n=$(jq .step <<<"$session")
        check "session $k: $acknowledged steps acknowledged, $n there" test "$acknowledged" -gt 0 -a "$n" -ge "$acknowledged" -a "$n" -le $((acknowledged + $1))
        whole=$(jq -nc --argjson n "$n" --argjson x "[10,$k,0.5,1000,0]" '{x: [range($n) | $x], return: "last"}' |
            curl -s "$url/$U/predict" -H "$json" --data-binary @-)
        is "session $k: its state is that of $n steps" "$(jq -c '.y[-1]' <<<"$whole")" "$(jq -c .y <<<"$session")"
        like "session $k goes on" "\"step\":$((n + 1))," "$(step "load-$k" "[10,$k,0.5,1000,0]")"
    done
}
