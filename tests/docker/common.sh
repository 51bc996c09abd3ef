# common.sh - what the tests of the image share; to be read by them (`.`). Every container and volume that they make bears the label
# $mark and goes at the end, as does the folder $work. A test says `check "a fact" COMMAND...` for each thing that must hold.
# shellcheck shell=bash disable=SC2034 # the variables are for whoever reads this file
export no_proxy=127.0.0.1,localhost # whatever proxy this machine has for the rest
docker=${DOCKER:-docker}
image=${IMAGE:-grud}
mark=grud-test-$$
work=$(mktemp -d)
chmod 755 "$work" # the daemon of the image, who is nobody here, reads models from it
n_ok=0
n_failed=0
U=v1/models/host-load
json='content-type: application/json'
# As an image is run where nobody is trusted.
hardened=(--read-only --cap-drop ALL --security-opt no-new-privileges)

tidy_up() {
    { $docker ps -aq --filter "label=$mark" | xargs -r "$docker" rm -fv; $docker volume ls -q --filter "label=$mark" | xargs -r "$docker" volume rm; } \
        >/dev/null || true
    rm -rf "$work"
}
trap tidy_up EXIT
trap 'exit 1' INT TERM

ok() {
    n_ok=$((n_ok + 1))
    echo "ok     $1"
}

failed() {
    n_failed=$((n_failed + 1))
    echo "FAILED $1"
}

# check FACT COMMAND...
check() {
    local fact=$1
    shift
    if "$@" >"$work/said" 2>&1; then ok "$fact"; else failed "$fact: $* said: $(tail -n 5 "$work/said")"; fi
}

# is FACT WANTED GOT
is() {
    if [ "$2" = "$3" ]; then ok "$1"; else failed "$1: wanted '$2', got '$3'"; fi
}

# like FACT PATTERN GOT
like() {
    if [[ $3 =~ $2 ]]; then ok "$1"; else failed "$1: wanted $2, got '$3'"; fi
}

# new_volume NAME: sets $volume.
new_volume() {
    volume=$mark-$1
    $docker volume create --label "$mark" "$volume" >/dev/null
}

# run NAME OPTION... [-- ARGUMENT...]: starts a container, hardened, with a free port of 127.0.0.1 for its own; sets $name.
run() {
    name=$mark-$1
    shift
    local options=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    [ $# -eq 0 ] || shift
    $docker run -d --name "$name" --label "$mark" -p 127.0.0.1::8080 "${hardened[@]}" "${options[@]}" "$image" "$@" >/dev/null
}

state() {
    $docker inspect -f "{{.State.$1}}" "$name"
}

# Waits until the container of $name says that it is ready; sets $port and $url.
await_ready() {
    for _ in $(seq 600); do
        [ "$(state Running)" = true ] || break
        port=$($docker port "$name" 8080/tcp 2>/dev/null | sed -n '1s/.*://p')
        url=http://127.0.0.1:$port
        if [ "$(curl -s -o /dev/null -w '%{http_code}' "$url/readyz")" = 200 ]; then return; fi
        sleep 0.1
    done
    failed "${name#"$mark-"} is ready: $($docker logs "$name" 2>&1 | tail -n 3)"
    return 1
}

# Waits until Docker calls the container of $name healthy, which is a check of its own.
await_healthy() {
    for _ in $(seq 60); do
        [ "$(state Health.Status)" != healthy ] || break
        sleep 1
    done
    is "Docker calls ${name#"$mark-"} healthy" healthy "$(state Health.Status)"
}

serve() {
    run "$@"
    await_ready
}

# Waits until the container of $name has ended; sets $code and $log.
await_end() {
    for _ in $(seq 600); do
        [ "$(state Running)" = true ] || break
        sleep 0.1
    done
    code=$(state ExitCode)
    log=$($docker logs "$name" 2>&1)
}

# step SESSION READING [MORE]: one step, its answer
step() {
    curl -s "$url/$U/sessions/$1/step" -H "$json" -d "{\"x\":$2${3:+,$3}}"
}

# The last word of a test.
finish() {
    echo "       $n_ok ok, $n_failed failed"
    [ "$n_failed" -eq 0 ]
}
