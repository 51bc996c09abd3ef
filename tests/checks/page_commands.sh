#!/bin/sh
# page_commands.sh PAGE HEADING: runs the commands of a section of a page as they stand there, with
# $GRUD for grud, the examples at hand and an empty folder `models`. A grud that they start listens at
# a free port in place of 8080, and ends with them. Fails if one fails, or if a line that the page
# says it prints (#> ...) is not printed; … stands for anything.
set -eu
repository=$(cd "$(dirname "$0")/../.." && pwd)
grud=$(realpath "${GRUD:-build/grud}")
page=$repository/$1
work=$(mktemp -d)
trap 'kill "${!-}" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
cd "$work"
ln -s "$repository/examples" examples
mkdir build models
ln -s "$grud" build/grud

grud() { "$grud" "$@"; }

awk -v heading="$2" '
    /^#+ / && !is_code { is_here = $0 == heading }
    /^```/ { is_code = !is_code; is_command = $0 == "```sh"; next }
    is_here && is_command' "$page" >lines
port=$(python3 -c 'import socket
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    print(free.getsockname()[1])')
export GRUD_LISTEN="127.0.0.1:$port" GRUD_LOG_LEVEL=warn
grep -v '^#>' lines | sed "s/127.0.0.1:8080/$GRUD_LISTEN/g" >commands
[ -s commands ] || { echo "$1 has no commands below '$2'" >&2 && exit 1; }
# shellcheck source=/dev/null
. ./commands >output 2>errors || { cat errors >&2 && exit 1; }

sed -n 's/^#> //p' lines >expected
while IFS= read -r line; do
    pattern=$(printf '%s\n' "$line" | sed 's/[][\\.*^$]/\\&/g; s/…/.*/g')
    grep -qx "$pattern" output || { echo "$1: '$line' is not printed, but:" >&2 && cat output >&2 && exit 1; }
done <expected
