#!/bin/sh
# run.sh: config/grud.service below a real systemd. In a container that boots like a machine, grud
# is built, installed and started as README.md says; checks.sh, in there, looks at it, before and
# after a reboot. $BASE: the image of a minimal Debian, $PACKAGES: what it takes to build. The image
# that boots is kept.
set -eu
cd "$(dirname "$0")/../.."
docker=${DOCKER:-docker}
image=grud-systemd
container=grud-systemd-$$

skip() {
    echo "systemd-test: SKIPPED, $1"
    exit 0
}

# run OPTION...: a container that may mount things and see every process, which is what systemd
# needs of --privileged.
run() {
    $docker run --cgroupns private --cap-add SYS_ADMIN --cap-add SYS_PTRACE \
        --security-opt seccomp=unconfined --security-opt apparmor=unconfined "$@"
}

inside() { $docker exec -i "$container" "$@"; }

# Until the start of all units is over. Of those that a container has no use for one may fail: then
# it is "degraded".
wait_for_boot() {
    n=0
    until state=$(inside systemctl is-system-running 2>&1) || [ "$state" = degraded ]; do
        n=$((n + 1))
        if [ $n = 300 ]; then
            echo "FAILED  systemd boots: $state"
            $docker logs --tail 20 "$container"
            exit 1
        fi
        sleep 0.2
    done
}

$docker version >/dev/null 2>&1 || skip "no Docker engine answers"
$docker build -q -t $image --build-arg BASE="$BASE" --build-arg PACKAGES="$PACKAGES" - <tests/systemd/Dockerfile >/dev/null
why=$(run --rm $image true 2>&1) || skip "a container may not mount here: $(echo "$why" | head -n 1)"

trap '$docker rm -f "$container" >/dev/null' EXIT
run -d --name "$container" $image >/dev/null
wait_for_boot # which also empties /tmp, below whoever compiles meanwhile
tar -c --exclude=./build --exclude=./.git . | inside sh -c 'mkdir /src && tar -C /src -x --no-same-owner'
inside make -C /src -j"$(nproc)" install >/dev/null
inside /src/tests/systemd/checks.sh installed
$docker restart -t 60 "$container" >/dev/null
wait_for_boot
inside /src/tests/systemd/checks.sh rebooted
