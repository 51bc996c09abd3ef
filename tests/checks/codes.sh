#!/bin/sh
# codes.sh: fails unless the codes of errors are those of the table in server/base/status.h: each is
# sent by something below server/, replies in strings have no others, and where a document names a
# code behind its HTTP status, as in 409 `late_reading`, both are of one row. (That the table of
# docs/API.md has each code, once, and no other is tests/http/test_routes.c's.)
set -eu
export LC_ALL=C.UTF-8
table=server/base/status.h
bad=0

# The rows as "NAME code HTTP", wherever they are broken into lines.
rows=$(tr -d '\n\\' <$table | grep -oE 'X\([A-Z_]+, +"[a-z_]+", +[0-9]+\)' |
    sed 's/X(\([A-Z_]*\), *"\([a-z_]*\)", *\([0-9]*\))/\1 \2 \3/')

echo "$rows" | {
    while read -r name code _; do
        [ "$name" = OK ] || grep -rqw --include='*.c' "STATUS_$name" server || {
            echo "codes: nothing sends $code (STATUS_$name)" >&2
            bad=1
        }
    done
    exit $bad
} || bad=1

named=$(grep -rnoE '[45][0-9][0-9] `[a-z_]+`' README.md CHANGELOG.md ARCHITECTURE.md docs/*.md) || true
echo "$named" | tr -d '`' | {
    while IFS=: read -r page line pair; do
        echo "$rows" | grep -q " ${pair#* } ${pair%% *}\$" || {
            echo "codes: $page:$line: there is no $pair" >&2
            bad=1
        }
    done
    exit $bad
} || bad=1

# Replies that are there before there is memory to make one.
for code in $(grep -rhoE --include='*.c' '\\"code\\": *\\"[a-z_]+' server | sed 's/.*"//'); do
    echo "$rows" | grep -q " $code " || {
        echo "codes: $code is in a string, and not in $table" >&2
        bad=1
    }
done
exit $bad
