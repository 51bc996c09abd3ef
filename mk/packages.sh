#!/bin/sh
# packages.sh PACKAGE...: installs those that are missing, on Debian and its kin, and shows each as
# it comes. Where that takes another user's rights than one has, it says what root is to do.
set -u
missing=
for package in "$@"; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
install="apt-get install --no-install-recommends$missing"

# by_hand REASON: the last line of a try that failed
by_hand() {
    echo "packages: $1. As root:  apt-get update && $install" >&2
    exit 1
}

command -v apt-get >/dev/null || {
    echo "packages: there is no apt-get here, so please install what is called on Debian:$missing" >&2
    exit 1
}
as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || by_hand "it takes root to install packages, and there is no sudo"
    sudo -v || by_hand "it takes root to install packages, and sudo refuses $(id -un)"
    as_root=sudo
fi

# apt-get ARGUMENT...: its status; a line for each package, and whatever else it has to say.
apt() {
    status=$(mktemp)
    # shellcheck disable=SC2086 # sudo, or nothing
    { $as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q -o DPkg::Lock::Timeout=300 "$@" 2>&1
        echo $? >"$status"; } | sed -u -n \
        -e 's/^Get:[0-9]* .* \([^ ]*\) [^ ]* [^ ]* \(\[.*\]\)$/  GET  \1 \2/p' \
        -e 's/^Get:[0-9]* [^ ]* \([^ ]*\) [^ ]* \(\[.*\]\)$/  GET  \1 \2/p' \
        -e 's/^Unpacking \([^ :]*\).*/  UNP  \1/p' \
        -e 's/^Setting up \([^ :]*\).*/  SET  \1/p' \
        -e '/^[EW]: /p' \
        -e '/^Waiting for cache lock/p'
    code=$(cat "$status")
    rm -f "$status"
    return "$code"
}

echo "installing:$missing"
# shellcheck disable=SC2086 # packages, one a word
if ! { apt update && apt install -y --no-install-recommends $missing; }; then
    by_hand "apt-get could not install what is missing"
fi
