#!/bin/sh
# widths.sh: fails unless text ends at 100 columns: every line of Markdown that could be broken (not
# of tables and of what stands between ``` marks), and all but 2 % of the lines of code. Fixtures
# and what a program has written are not looked at.
set -eu
export LC_ALL=C.UTF-8
columns=100
most_percent=2
bad=0

# files PATTERN...: of the tree, but for what is built.
files() {
    for pattern in "$@"; do
        find . -path ./build -prune -o -path ./.git -prune -o -type f -name "$pattern" -print
    done | sed 's|^\./||'
}

for page in $(files '*.md'); do
    wide=$(awk '/^ *```/ { is_shown = !is_shown } { print is_shown || /^ *\|/ ? "" : $0 }' "$page" |
        grep -nE "^.{$((columns + 1)),}" | grep -E '^[0-9]+: *[^ ]+ [^ ]' | cut -d: -f1) || true
    for line in $wide; do
        echo "widths: $page:$line: wider than $columns columns" >&2
        bad=1
    done
done

code=$(files '*.[ch]' '*.sh' '*.py' '*.mk' Makefile run)
n_lines=$(cat $code | wc -l)
n_wide=$(cat $code | grep -cE "^.{$((columns + 1)),}") || true
if [ $((n_wide * 100)) -gt $((n_lines * most_percent)) ]; then
    echo "widths: $n_wide of $n_lines lines of code are wider than $columns columns" >&2
    grep -cE "^.{$((columns + 1)),}" $code | grep -v ':0$' | sort -t: -k2 -nr | head >&2
    bad=1
fi
exit $bad
