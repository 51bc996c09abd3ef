#!/bin/sh
# local-base.sh [up|down]: what `make docker` needs on a machine without it. `up` sees to it that a Docker engine answers (Debian's own,
# started here if need be) and that there is a base image (pulled, or, where no registry can be reached, made from the distribution's
# packages). `down` stops the engine if it was started here. The Dockerfile knows nothing of this.
set -eu
docker=${DOCKER:-docker}
base=${BASE:-debian:bookworm-slim}
state=build/docker
NO_ENGINE=77 # the status that says so, for tests that are then skipped
SUDO=$([ "$(id -u)" = 0 ] || echo sudo)

install_packages() {
    $SUDO apt-get update -qq
    $SUDO env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

engine_answers() {
    $docker info >/dev/null 2>&1
}

# Its run-time files are in a folder of its own, since those of an engine that was killed name processes that may be others by now.
start_engine() {
    command -v dockerd >/dev/null && command -v iptables >/dev/null || install_packages docker.io iptables
    $SUDO sh -c 'dockerd --exec-root "$(mktemp -d /run/docker-XXXXXX)" --pidfile "$1" >"$2" 2>&1 &' - \
        "$PWD/$state/dockerd.pid" "$PWD/$state/dockerd.log"
    for _ in $(seq 60); do
        engine_answers && return
        sleep 1
    done
    echo "local-base: no Docker engine answers, and none can be started here: $(tail -n 1 "$state/dockerd.log")" >&2
    exit "$NO_ENGINE"
}

stop_engine() {
    [ -e "$state/dockerd.pid" ] || return 0
    engine=$(cat "$state/dockerd.pid")
    $SUDO kill "$engine" 2>/dev/null || true
    while [ -e "/proc/$engine" ]; do sleep 0.2; done
}

# What the official slim image is, too: a minimal Debian without manuals, translations and package lists.
make_base() {
    suite=${base#*:}
    suite=${suite%-slim}
    root=$(mktemp -d)
    # shellcheck disable=SC2064 # the folder of now
    trap "$SUDO rm -rf --one-file-system '$root'" EXIT # debootstrap that is cut leaves /proc mounted
    command -v debootstrap >/dev/null || install_packages debootstrap
    $SUDO debootstrap --variant=minbase "$suite" "$root" >"$state/debootstrap.log"
    $SUDO cp -n /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/" # how packages are fetched here
    printf 'path-exclude /usr/share/%s/*\n' doc info locale man | $SUDO tee "$root/etc/dpkg/dpkg.cfg.d/slim" >/dev/null
    for folder in usr/share/doc usr/share/info usr/share/locale usr/share/man var/cache/apt var/lib/apt/lists var/log; do
        $SUDO find "$root/$folder" -mindepth 1 -delete
    done
    $SUDO tar -C "$root" -c . | $docker import -c 'CMD ["bash"]' - "$base" >/dev/null
}

case ${1:-up} in
up)
    mkdir -p "$state"
    engine_answers || start_engine
    $docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || install_packages docker-compose
    $docker image inspect "$base" >/dev/null 2>&1 || $docker pull -q "$base" 2>/dev/null || make_base
    ;;
down) stop_engine ;;
*)
    echo "usage: local-base.sh [up|down]" >&2
    exit 2
    ;;
esac
