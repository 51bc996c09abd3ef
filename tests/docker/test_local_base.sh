#!/bin/bash
# docker/local-base.sh up at its first run, beside another Docker client in the path, which answers for no engine. In a container of the
# base, where apt-get is a stand-in that brings the distribution's client and engine (stand-ins, too).
set -euo pipefail
. tests/docker/common.sh

first_run() {
    $docker run --rm -i --label "$mark" -v "$PWD:/tree:ro" "${BASE:-debian:bookworm-slim}" sh -s <<'END'
set -e
program() { cat >"$1" && chmod 755 "$1"; }
mkdir -p /copy/mk && cp -r /tree/docker /copy && cp /tree/mk/packages.sh /copy/mk && cd /copy
printf '#!/bin/sh\nexit 1\n' | program /usr/local/bin/docker
program /usr/bin/apt-get <<'APT'
#!/bin/sh
case $* in
*docker.io*)
    printf '#!/bin/sh\n[ -e /run/engine ]\n' >/usr/bin/docker
    printf '#!/bin/sh\ntouch /run/engine\nsleep 5\n' >/usr/bin/dockerd
    printf '#!/bin/sh\n' >/usr/bin/iptables
    chmod 755 /usr/bin/docker /usr/bin/dockerd /usr/bin/iptables
    ;;
esac
APT
docker/local-base.sh up
END
}
check "the distribution's client is taken once it is there" first_run
finish
