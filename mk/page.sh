#!/bin/sh
# page.sh FOLDER FILE... - writes the files of the page, which are below FOLDER, as C to standard
# output: the table of server/http/page_assets.h. The same files give the same text. Lines of comments
# are left out of our own files, a seventh of what a browser would load; --page-dir serves them.
set -eu
export LC_ALL=C

folder=$1
shift
plain=$(mktemp)
compressed=$(mktemp)
trap 'rm -f "$plain" "$compressed"' EXIT

# without_comments FILE: prettier leaves them on lines of their own.
without_comments() {
    awk 'is_inside { is_inside = !/\*\/[ \t]*$/; next }
         /^[ \t]*\/\*/ { is_inside = !/\*\//; if (is_inside || /\*\/[ \t]*$/) next }
         !/^[ \t]*\/\//' "$1"
}

# array NAME FILE: its bytes.
array() {
    printf 'static const unsigned char %s[] = {\n' "$1"
    od -An -v -tu1 -w24 "$2" | sed 's/ *\([0-9][0-9]*\)/\1,/g'
    printf '};\n'
}

# form ARRAY FILE: an initializer, with a digest of the bytes as entity tag.
form() {
    printf '{ %s, sizeof %s, "\\"%s\\"" }' "$1" "$1" "$(sha256sum "$2" | cut -c1-32)"
}

rows=
n=0
echo '/* Written by mk/page.sh. */'
echo '#include "http/page_assets.h"'
for file; do
    case $file in
    */vendor/* | *.html | *.svg) cat "$file" ;;
    *) without_comments "$file" ;;
    esac >"$plain"
    gzip -9nc "$plain" >"$compressed"
    array "plain_$n" "$plain"
    array "gzip_$n" "$compressed"
    rows="$rows
    { \"${file#"$folder"/}\", $(form "plain_$n" "$plain"), $(form "gzip_$n" "$compressed") },"
    n=$((n + 1))
done
printf '%s\n' "const struct page_asset page_assets[] = {$rows" '};' \
    'const size_t page_n_assets = sizeof page_assets / sizeof *page_assets;'
