# common.sh - what the tests of the image share; to be read by them (`.`). Every container and volume that they make bears the label
# $mark and goes at the end, as does the folder $work. A test says `check "a fact" COMMAND...` for each thing that must hold.
# shellcheck shell=bash disable=SC2034 # the variables are for whoever reads this file
# shellcheck source=tests/checks/checks.sh
. tests/checks/checks.sh
# shellcheck source=tests/checks/streams.sh
. tests/checks/streams.sh
export no_proxy=127.0.0.1,localhost # whatever proxy this machine has for the rest
docker=${DOCKER:-docker}
image=${IMAGE:-grud}
mark=grud-test-$$
work=$(mktemp -d)
chmod 755 "$work" # the daemon of the image, who is nobody here, reads models from it
# As an image is run where nobody is trusted.
hardened=(--read-only --cap-drop ALL --security-opt no-new-privileges)

tidy_up() {
    { $docker ps -aq --filter "label=$mark" | xargs -r "$docker" rm -fv; $docker volume ls -q --filter "label=$mark" | xargs -r "$docker" volume rm; } \
        >/dev/null || true
    rm -rf "$work"
}
trap tidy_up EXIT
trap 'exit 1' INT TERM

# new_volume NAME: sets $volume.
new_volume() {
    volume=$mark-$1
    $docker volume create --label "$mark" "$volume" >/dev/null
}

# run NAME OPTION... [-- ARGUMENT...]: starts a container, hardened, with a free port of 127.0.0.1 for its own, and no keys unless the
# options say otherwise; sets $name.
run() {
    name=$mark-$1
    shift
    local options=()
    while [ $# -gt 0 ] && [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    [ $# -eq 0 ] || shift
    $docker run -d --name "$name" --label "$mark" -p 127.0.0.1::8080 -e GRUD_LISTEN_REMOTE=yes "${hardened[@]}" "${options[@]}" "$image" "$@" >/dev/null
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

# run_of PAGE PATTERN NAME: the page's first `docker run` that fits, in $work, but for name, port and volume ($volume), which are the
# test's own; sets $name.
run_of() {
    local command word PWD=$work words=() options=()
    command=$(sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$1" | grep -o 'docker run .* grud$' | grep -m 1 -e "$2")
    like "$1 has such a docker run" '^docker run ' "$command"
    command=${command#docker run}
    eval "words=(${command% grud})"
    while [ ${#words[@]} -gt 0 ]; do
        word=${words[0]}
        words=("${words[@]:1}")
        case $word in
        -d | --rm) ;;
        --name | -p) words=("${words[@]:1}") ;;
        *) options+=("${word/#grud-data:/${volume-}:}") ;;
        esac
    done
    name=$mark-$3
    $docker run -d --name "$name" --label "$mark" -p 127.0.0.1::8080 --health-interval 1s --health-start-period 1s "${options[@]}" "$image" \
        >/dev/null
}
