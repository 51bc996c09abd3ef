#!/bin/sh
# feed.sh - streams this machine's own load to grud, and shows each forecast beside what then happened.
# Needs curl, jq and awk. Options: see usage() below, or -h.
set -u
export LC_ALL=C

usage() {
    cat <<'END'
usage: feed.sh [-u URL] [-n COUNT] [-i SECONDS] [-k KEY] [-r]
  -u URL      where grud listens (or $GRU_URL; default http://127.0.0.1:8080)
  -n COUNT    stop after so many readings (default: go on until Ctrl-C)
  -i SECONDS  between readings (default 1, for which the model was made)
  -k KEY      API key (better in $GRU_API_KEY, where `ps` does not show it)
  -r          only record: print the readings as CSV, for train.py, and contact no server
END
}

url=${GRU_URL:-http://127.0.0.1:8080} count=-1 interval=1 key=${GRU_API_KEY:-} record=
while getopts u:n:i:k:rh option; do
    case $option in
    u) url=$OPTARG ;;
    n) count=$OPTARG ;;
    i) interval=$OPTARG ;;
    k) key=$OPTARG ;;
    r) record=1 ;;
    h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
done
session=$(uname -n | tr -d '\n' | tr -c 'A-Za-z0-9._~:-' - | cut -c1-128)
sessions_url=${url%/}/v1/models/host-load/sessions
# What each step asks for beside the next second: ten more, and where the readings will be with 80 and with 95 %.
asked='"horizon":10,"level":[0.8,0.95]'
told=
trap 'exit 0' INT TERM

# The counters of the moment: uptime, busy and total processor time, memory used %, load, network bytes, disk bytes.
# Network is every interface, loopback too, but not those that carry another one's traffic a second time; disk is
# whole disks, not their partitions.
sample() {
    awk '
        FILENAME == "/proc/uptime"                         { uptime = $1 }
        FILENAME == "/proc/stat" && $1 == "cpu"            { total = $2+$3+$4+$5+$6+$7+$8+$9; busy = total-$5-$6 }
        FILENAME == "/proc/meminfo" && $1 == "MemTotal:"   { memory = $2 }
        FILENAME == "/proc/meminfo" && $1 == "MemAvailable:" { available = $2 }
        FILENAME == "/proc/loadavg"                        { load = $1 }
        FILENAME == "/proc/net/dev" && sub(/:/, " ") && $1 !~ /^(ifb|veth|docker|br-|virbr)/ { network += $2 + $10 }
        FILENAME == "/proc/diskstats" && $3 ~ /^([shv]d[a-z]+|xvd[a-z]+|nvme[0-9]+n[0-9]+|mmcblk[0-9]+)$/ {
            disk += ($6 + $10) * 512
        }
        END { printf "%.2f %.0f %.0f %.3f %.2f %.0f %.0f\n",
              uptime, busy, total, 100 * (1 - available / memory), load, network, disk }
    ' /proc/uptime /proc/stat /proc/meminfo /proc/loadavg /proc/net/dev /proc/diskstats
}

# Waits for the next full interval, then sets $reading: cpu %, memory %, load, network B/s, disk B/s since the last one.
read_next() {
    sleep "$(date +%s.%N | awk -v i="$interval" '{ printf "%.3f", i - ($1 - i * int($1 / i)) + 0.001 }')"
    before=$now
    now=$(sample)
    reading=$(echo "$before $now" | awk '{
        seconds = $8 > $1 ? $8 - $1 : 1; ticks = $10 > $3 ? $10 - $3 : 1
        printf "%.2f %.3f %.2f %.0f %.0f", 100 * ($9 - $2) / ticks, $11, $12, ($13 - $6) / seconds, ($14 - $7) / seconds
    }')
}

# call METHOD PATH [BODY]: sets $status, 000 without an answer, and $reply. The key goes through a pipe, out of sight.
call() {
    reply=$(printf '%s' "${key:+header = \"Authorization: Bearer $key\"}" |
        curl -s -K - -m 5 -X "$1" ${3:+-H 'Content-Type: application/json' -d "$3"} \
            -w '\n%{http_code} %{errormsg}' "$sessions_url$2")
    status=$(echo "$reply" | tail -n 1)
    why=${status#* } status=${status%% *}
    [ "$status" = 000 ] || why=$(echo "$reply" | sed '$d' | jq -r '.error.message // empty' 2>/dev/null)
    reply=$(echo "$reply" | sed '$d')
}

# After a failed call: says why, once; waits where trying again may help, and ends where it will not.
retry_or_exit() {
    [ "$status" = "$told" ] || echo "$(date +%T)  ${why:-status $status}" >&2
    told=$status
    case $status in
    000 | 429 | 5??) sleep "$interval" ;;
    *) exit 1 ;;
    esac
}

# A session that its time to live has ended must be let go of before it can begin again.
begin_anew() {
    echo "$(date +%T)  $why" >&2
    call DELETE "/$session"
    step=0
}

# The number of the last step, so that a reading is counted once however often it is sent. A session that is not there
# yet is no error in a list, and none in the log of grud. The first of those that begin with an id is that of the id.
learn_step() {
    while call GET "?prefix=$session&limit=1" && [ "$status" != 200 ]; do
        retry_or_exit
    done
    step=$(echo "$reply" | jq --arg id "$session" '[.sessions[] | select(.session == $id).step][0] // 0')
}

show() {
    [ $((lines % 20)) -ne 0 ] || awk 'BEGIN {
        printf "%-8s", "time"
        n = split("cpu %,memory %,load,network B/s,disk B/s", names, ",")
        for (i = 1; i <= n; i++) printf "  %11s %-9s", names[i], "(said)"
        print ""
    }'
    lines=$((lines + 1))
    echo "$(date +%T) $reading $said" | awk '
        function short(v, column,   size) {
            if (v == "") return "-"
            if (column < 4) return sprintf(column == 3 ? "%.2f" : "%.1f", v)
            size = v < 0 ? -v : v
            return size >= 1e9 ? sprintf("%.2fG", v / 1e9) : size >= 1e6 ? sprintf("%.2fM", v / 1e6) : sprintf("%.1fk", v / 1e3)
        }
        { printf "%s", $1; for (i = 1; i <= 5; i++) printf "  %11s %-9s", short($(i + 1), i), "(" short($(i + 6), i) ")"; print "" }'
}

now=$(sample)
if [ -n "$record" ]; then
    read_next # the first interval is not a whole one
    echo "cpu,memory,load,network,disk"
    while [ "$count" -ne 0 ] && read_next; do
        echo "$reading" | tr ' ' ,
        count=$((count - 1))
    done
    exit 0
fi

learn_step
echo "session $session at step $step"
lines=0 said=
read_next # the first interval is not a whole one
while [ "$count" -ne 0 ] && read_next; do
    # shellcheck disable=SC2086 # the reading is five words
    x=$(printf '{"cpu":%s,"memory":%s,"load":%s,"network":%s,"disk":%s}' $reading)
    late=
    while call POST "/$session/step" "{\"x\":$x,\"seq\":$((step + 1)),$asked}" && [ "$status" != 200 ]; do
        if [ "$status" = 409 ] && expected=$(echo "$reply" | jq -e .error.expected); then
            step=$((expected - 1))
        elif [ "$status" = 410 ]; then
            begin_anew
        else
            late=1 && retry_or_exit # the same reading, with the same number, when the server is back
        fi
    done
    [ -z "$late" ] || said=
    told=
    show
    step=$((step + 1))
    said=$(echo "$reply" | jq -r '.y | map(tostring) | join(" ")')
    if [ -n "$late" ]; then said= && read_next; fi # the second that this forecast was for has passed
    count=$((count - 1))
done
