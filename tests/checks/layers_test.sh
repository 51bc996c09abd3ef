#!/bin/sh
# layers_test.sh: layers.sh finds what is planted in a copy of the sources, and names.sh likewise.
set -eu
cd "$(dirname "$0")/../.."
checks=$PWD/tests/checks
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

# finds FACT PATTERN COMMAND...: the command fails, and a line of what it says matches.
finds() {
    fact=$1
    pattern=$2
    shift 2
    if "$@" >"$work/said" 2>&1 || ! grep -q -- "$pattern" "$work/said"; then
        echo "layers_test: $fact: not found, but said: $(cat "$work/said")" >&2
        bad=1
    fi
}

# passes FACT COMMAND...
passes() {
    fact=$1
    shift
    "$@" >"$work/said" 2>&1 || {
        echo "layers_test: $fact: $(cat "$work/said")" >&2
        bad=1
    }
}

# ---- includes and names: one line more in one file of a copy ----

# planted LINE FILE SCRIPT [ARGUMENT]: the script, where the file ends with that line.
planted() {
    rm -rf "$work/tree"
    mkdir "$work/tree"
    cp -r lib server "$work/tree"
    mkdir -p "$work/tree/${2%/*}"
    printf '%s\n' "$1" >>"$work/tree/$2"
    script=$3
    shift 3
    (cd "$work/tree" && "$checks/$script" "$@")
}

passes "includes as they are" planted "" server/main.c layers.sh includes
finds "an include upward" 'store/files.c includes service/service.h' \
    planted '#include "service/service.h"' server/store/files.c layers.sh includes
finds "an include of another room" 'pool/pool.h includes service/jobs/fine_tuning.h' \
    planted '#include "service/jobs/fine_tuning.h"' server/service/pool/pool.h layers.sh includes
finds "an include of what a layer does not need" 'calls.c includes store/files.h' \
    planted '#include "store/files.h"' server/confine/calls.c layers.sh includes
finds "a foreign header" 'pool.c includes <sqlite3.h>' \
    planted '#include <sqlite3.h>' server/service/pool/pool.c layers.sh includes
finds "a foreign header in a folder" 'main.c includes <gnutls/x509.h>' \
    planted '#include <gnutls/x509.h>' server/main.c layers.sh includes
finds "a lock outside the service" 'http.c: a lock' \
    planted 'static pthread_mutex_t lock;' server/http/http.c layers.sh includes
finds "a folder without a row" 'drawer.c: its folder is not in the table' \
    planted '' server/drawer/drawer.c layers.sh includes

passes "names as they are" planted "" server/main.c names.sh
finds "a second file of a name" 'another file of this name' \
    planted '' server/http/pool.c names.sh
finds "a struct's name twice" 'struct pool is also in' \
    planted 'struct pool {' server/http/http.c names.sh
finds "a guard of another name" 'shelf.h: its guard is OTHER_H' \
    planted '#ifndef OTHER_H' server/store/shelf.h names.sh

# ---- symbols: objects of a few functions that call each other ----

# object FILE NAME CALLED...: build/FILE.o defines NAME, which calls the others.
object() {
    mkdir -p "$work/build/${1%/*}"
    {
        for called in $3; do
            echo "void $called(void);"
        done
        echo "void $2(void); void $2(void) {"
        for called in $3; do
            echo "$called();"
        done
        echo "}"
    } | ${CC:-cc} -O0 -x c -c -o "$work/build/$1.o" -
}

# calls OBJECT...: each FILE:NAME:CALLED,...; and what layers.sh says of them all.
calls() {
    rm -rf "$work/build"
    for spec in "$@"; do
        called=${spec##*:}
        file_name=${spec%:*}
        object "${file_name%:*}" "${file_name#*:}" "$(echo "$called" | tr , ' ')"
    done
    find "$work/build" -name '*.o' -exec "$checks/layers.sh" symbols "$work/build" {} +
}

passes "calls downward" calls \
    server/http/one:one:two,step lib/engine/file/two:two:three lib/engine/three:three: \
    server/service/sessions/step:step:pool server/service/pool/pool:pool:
finds "a call upward" 'server/store/one calls server/service/two: two' calls \
    server/store/one:one:two server/service/two:two:
finds "a call to a room above" 'service/pool/one calls server/service/jobs/two: two' calls \
    server/service/pool/one:one:two server/service/jobs/two:two:
finds "a call from the network to training" 'lib/engine/one calls lib/engine/train/two: two' calls \
    lib/engine/one:one:two lib/engine/train/two:two:
finds "a circle of two files" 'circle: server/http/one calls server/http/two: two' calls \
    server/http/one:one:two server/http/two:two:one
finds "a circle of three files in rooms" 'circle: server/service/three calls .*pool/one: one' calls \
    server/service/pool/one:one:two server/service/pool/two:two:three \
    server/service/three:three:one
passes "a circle where there may be one" calls lib/json/one:one:two lib/json/two:two:one
finds "no objects" 'no objects' "$checks/layers.sh" symbols build
exit $bad
