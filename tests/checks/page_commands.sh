#!/bin/sh
# page_commands.sh PAGE HEADING: runs the commands of a section of a page as they stand there, with
# $GRUD for grud, the examples at hand and an empty folder `models`. Fails if one fails, or if a line that the page says
# it prints (#> ...) is not printed; … stands for anything.
set -eu
repository=$(cd "$(dirname "$0")/../.." && pwd)
grud=$(realpath "${GRUD:-build/grud}")
page=$repository/$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ln -s "$repository/examples" examples
mkdir build models
ln -s "$grud" build/grud

grud() { "$grud" "$@"; }

awk -v heading="$2" '
    /^#+ / && !is_code { is_here = $0 == heading }
    /^```/ { is_code = !is_code; is_command = $0 == "```sh"; next }
    is_here && is_command' "$page" >lines
grep -v '^#>' lines >commands || { echo "$1 has no commands below '$2'" >&2 && exit 1; }
# shellcheck source=/dev/null
. ./commands >output 2>errors || { cat errors >&2 && exit 1; }

sed -n 's/^#> //p' lines >expected
while IFS= read -r line; do
    pattern=$(printf '%s\n' "$line" | sed 's/[][\\.*^$]/\\&/g; s/…/.*/g')
    grep -qx "$pattern" output || { echo "$1: '$line' is not printed, but:" >&2 && cat output >&2 && exit 1; }
done <expected
