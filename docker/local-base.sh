#!/bin/sh
# local-base.sh [up|down]: what `make docker` needs on a machine without it. `up` sees to it that a Docker engine answers (Debian's own,
# started here if need be) and that there is a base image (pulled, or, where no registry can be reached, made from the distribution's
# packages). `down` stops the engine if it was started here. The Dockerfile knows nothing of this.
set -eu
PATH=/usr/bin:$PATH # the distribution's client before another one, as the Makefile has it
docker=${DOCKER:-docker}
base=${BASE:-debian:bookworm-slim}
state=build/docker
NO_ENGINE=77 # the status that says so, for tests that are then skipped
SUDO=$([ "$(id -u)" = 0 ] || echo sudo)

install_packages() {
    mk/packages.sh "$@"
    hash -r # a program of that name may have been another one until now
}

engine_answers() {
    $docker info >/dev/null 2>&1
}

# A second engine would take the socket of one that runs already, even if that one does not answer here.
refuse_to_start_beside_another() {
    ! grep -qsx dockerd /proc/[0-9]*/comm || {
        echo "local-base: a Docker engine runs here, but does not answer $(id -un); be in the group docker, or see what \`$docker info\` says" >&2
        exit 1
    }
}

# Its run-time files are in a folder of its own, since those of an engine that was killed name processes that may be others by now.
start_engine() {
    refuse_to_start_beside_another
    [ -z "$SUDO" ] || command -v sudo >/dev/null || {
        echo "local-base: no Docker engine answers, it takes root to start one, and there is no sudo; as root: dockerd" >&2
        exit "$NO_ENGINE"
    }
    if ! command -v dockerd >/dev/null || ! command -v iptables >/dev/null; then
        install_packages docker.io iptables
        command -v "$docker" >/dev/null || install_packages docker-cli # newer Debians have the client apart
        ! engine_answers || return 0 # the package has started it, where systemd runs
        refuse_to_start_beside_another
    fi
    $SUDO mktemp -d /run/docker-XXXXXX >"$state/exec-root"
    $SUDO sh -c 'dockerd --exec-root "$1" --pidfile "$2" >"$3" 2>&1 &' - \
        "$(cat "$state/exec-root")" "$PWD/$state/dockerd.pid" "$PWD/$state/dockerd.log"
    for _ in $(seq 60); do
        engine_answers && return
        sleep 1
    done
    stop_engine
    echo "local-base: no Docker engine answers, and none can be started here: $(tail -n 1 "$state/dockerd.log")" >&2
    exit "$NO_ENGINE"
}

is_engine() {
    [ "$(cat "/proc/$1/comm" 2>/dev/null)" = dockerd ]
}

stop_engine() {
    [ -e "$state/dockerd.pid" ] || return 0
    engine=$(cat "$state/dockerd.pid")
    is_engine "$engine" || return 0 # it was killed, and the number may be another's by now
    $SUDO kill "$engine"
    while is_engine "$engine"; do sleep 0.2; done
    exec_root=$(cat "$state/exec-root")
    $SUDO umount "$exec_root/netns/"* 2>/dev/null || true # a name space that it had mounted
    $SUDO rm -rf --one-file-system "$exec_root"
}

# What the official slim image is, too: a minimal Debian without manuals, translations and package lists.
make_base() {
    suite=${base#*:}
    suite=${suite%-slim}
    root=$(mktemp -d)
    # shellcheck disable=SC2064 # the folder of now
    trap "$SUDO rm -rf --one-file-system '$root'" EXIT # debootstrap that is cut leaves /proc mounted
    echo "local-base: no registry has $base for us: making it of the distribution's packages, which takes a minute"
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
    DOCKER_BUILDKIT=1 $docker build --help >/dev/null 2>&1 || install_packages docker-buildx # newer clients have BuildKit apart
    $docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null || install_packages docker-compose
    $docker image inspect "$base" >/dev/null 2>&1 || $docker pull -q "$base" 2>/dev/null || make_base
    ;;
down) stop_engine ;;
*)
    echo "usage: local-base.sh [up|down]" >&2
    exit 2
    ;;
esac
