#!/bin/sh
# unit.sh BUILD: config/grud.service is a unit that systemd understands, and a tight one. Prints
# systemd's score of what it leaves exposed (0 to 10, less is better).
set -eu
grud=$(realpath "$1/grud")
most=2.0
if ! command -v systemd-analyze >/dev/null; then
    echo "unit: SKIPPED, there is no systemd-analyze here"
    exit 0
fi
directory=$(mktemp -d)
trap 'rm -r "$directory"' EXIT
sed "s|/usr/local/bin/grud|$grud|" config/grud.service >"$directory/grud.service"
said=$(systemd-analyze verify --man=no "$directory/grud.service" 2>&1) || {
    echo "$said" >&2
    exit 1
}
[ -z "$said" ] || {
    echo "$said" >&2
    exit 1
}
# the threshold is in tenths
systemd-analyze security --no-pager --offline=yes --threshold="$(echo "$most" | tr -d .)" \
    "$directory/grud.service" |
    sed -n 's/.*\(Overall exposure level.*\)/unit: \1/p'
