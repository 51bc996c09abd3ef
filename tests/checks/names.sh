#!/bin/sh
# names.sh: fails unless names are unique in lib/ and server/: a file's is that of one module (in
# one folder), a header's guard is the header's name, and a struct's, union's or enum's is defined
# once.
set -eu

complaints=$(find lib server -name '*.[ch]' -exec awk '
FNR == 1 {
    folder = module = FILENAME
    sub("/[^/]*$", "", folder)
    gsub(".*/|\\.[ch]$", "", module)
    has_guard = FILENAME !~ /\.h$/
    if ((module in folder_of) && folder_of[module] != folder) {
        print FILENAME ": another file of this name is in " folder_of[module]
    }
    folder_of[module] = folder
}
!has_guard && /^#ifndef / {
    has_guard = 1
    if ($2 != toupper(module) "_H") {
        print FILENAME ": its guard is " $2 " and not " toupper(module) "_H"
    }
}
/^(typedef )?(struct|union|enum) [a-z0-9_]+ \{$/ {
    sub("^typedef ", "")
    if ($2 in definer) {
        print FILENAME ": " $1 " " $2 " is also in " definer[$2]
    }
    definer[$2] = FILENAME
}' {} + | sort)
[ -z "$complaints" ] || {
    echo "$complaints" | sed 's/^/names: /' >&2
    exit 1
}
