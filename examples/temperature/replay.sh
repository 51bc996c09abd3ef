#!/bin/sh
# replay.sh - replays four months of hourly temperatures to grud, an hour a second. Needs curl, jq and awk.
# Options: see usage() below, or -h.
set -u
export LC_ALL=C

usage() {
    cat <<'END'
usage: replay.sh [-u URL] [-n COUNT] [-i SECONDS] [-k KEY]
  -u URL      where grud listens (or $GRU_URL; default http://127.0.0.1:8080)
  -n COUNT    stop after so many readings (default: go on, and begin anew behind the last, until Ctrl-C)
  -i SECONDS  between readings (default 1)
  -k KEY      API key of the scopes admin and predict (better in $GRU_API_KEY, where `ps` does not show it)
END
}

url=${GRU_URL:-http://127.0.0.1:8080} count=-1 interval=1 key=${GRU_API_KEY:-}
while getopts u:n:i:k:h option; do
    case $option in
    u) url=$OPTARG ;;
    n) count=$OPTARG ;;
    i) interval=$OPTARG ;;
    k) key=$OPTARG ;;
    h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
done
here=$(dirname "$0")
series=$here/jfk.csv
model=temperature session=jfk
warm_up=1200 # hours that are sent at once: something to look at, and enough to learn from
# What each step asks for: eighteen hours ahead, and where the readings will be with 80 and with 95 %.
asked='"horizon":18,"level":[0.8,0.95]'
told=
trap 'exit 0' INT TERM

# call METHOD PATH TYPE: the body from standard input. Sets $status, 000 without an answer, and $reply. The key goes by
# a here-document, out of sight.
call() {
    reply=$(curl -s -m 20 -K /dev/fd/3 -X "$1" -H "Content-Type: $3" --data-binary @- \
        -w '\n%{http_code} %{errormsg}' "${url%/}/v1/models$2" 3<<END
${key:+header = "Authorization: Bearer $key"}
END
    )
    status=$(printf '%s\n' "$reply" | tail -n 1)
    why=${status#* } status=${status%% *}
    reply=$(printf '%s\n' "$reply" | sed '$d')
    [ "$status" = 000 ] || why=$(printf '%s\n' "$reply" | jq -r '.error.message? // empty' 2>/dev/null)
}

get() { call GET "$1" application/json </dev/null; }

# After a failed call: says why, once; waits where trying again may help, and ends where it will not.
retry_or_exit() {
    [ "$status" = "$told" ] || echo "temperature: ${why:-status $status}" >&2
    told=$status
    case $status in
    000 | 429 | 5??) sleep "$interval" ;;
    *) exit 1 ;;
    esac
}

# The model, unless grud has it.
put_model() {
    while get "" && [ "$status" != 200 ]; do
        retry_or_exit
    done
    [ "$(printf '%s\n' "$reply" | jq --arg model $model 'any(.models[]; .name == $model)')" = true ] && return
    while call PUT "/$model" application/octet-stream <"$here/$model.safetensors" && [ "$status" != 201 ]; do
        retry_or_exit
    done
}

# Sets $last to the time of the session's last reading, "2013-09-25T23:00"; empty: there is none. A session that is
# not there yet is no error in a list, and none in the log of grud.
learn_last() {
    last=
    while get "/$model/sessions?prefix=$session&limit=1" && [ "$status" != 200 ]; do
        retry_or_exit
    done
    [ "$(printf '%s\n' "$reply" | jq --arg id $session 'any(.sessions[]; .session == $id)')" = true ] || return 0
    while get "/$model/sessions/$session" && [ "$status" != 200 ]; do
        retry_or_exit
    done
    last=$(printf '%s\n' "$reply" | jq -r '.time.last_at // empty | todate | .[:16]')
}

# The first hours, in one request.
begin() {
    steps=$(tail -n +2 "$series" | head -n $warm_up | awk -F, -v asked="$asked" -v session=$session '
        { printf "%s{\"session\":\"%s\",\"x\":[%s],\"at\":\"%s\",%s}", NR == 1 ? "" : ",\n", session, $2, $1, asked }')
    while call POST "/$model/steps" application/json <<END && [ "$status" != 200 ]; do
{"steps":[$steps]}
END
        retry_or_exit
    done
    why=$(printf '%s\n' "$reply" | jq -r 'first(.results[].error.message // empty)')
    [ -z "$why" ] || { echo "temperature: $why" >&2 && exit 1; }
    last=$(tail -n +2 "$series" | sed -n "${warm_up}s/:00Z,.*//p")
}

# So that it can begin anew.
end_session() {
    call DELETE "/$model/sessions/$session" application/json </dev/null
}

put_model
while :; do
    learn_last
    [ -n "$last" ] || begin
    rows=$(tail -n +2 "$series" | awk -F, -v last="$last" 'substr($1, 1, 16) > last')
    for row in $rows; do
        [ "$count" -ne 0 ] || exit 0
        count=$((count - 1))
        sleep "$interval"
        # The same reading of the same time again is no second step.
        while call POST "/$model/sessions/$session/step" application/json <<END && [ "$status" != 200 ]; do
{"x":[${row#*,}],"at":"${row%,*}",$asked}
END
            case $status in
            409) continue 3 ;; # another has moved it on
            410) end_session; continue 3 ;;
            *) retry_or_exit ;;
            esac
        done
        told=
    done
    end_session # four months are over
done
