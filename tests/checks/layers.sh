#!/bin/sh
# layers.sh includes
#     fails if a file includes a header of a folder that its own folder must not know, if a foreign
#     header is seen outside the layer that hides it, or if something but the service locks.
# layers.sh symbols BUILD OBJECT...
#     the same of calls, by the names that the objects below BUILD define and use; and fails if
#     files call each other in a circle.
set -eu

# What the rooms of the service share; service.h and service.c stand above them.
SHARED='server/service/names.h server/service/degraded.h server/service/listeners.h server/service/job_database.h
server/service/service_private.h server/service/service_context.h'

# A folder, and what its files may include and call beside their own folder: the files of a folder,
# or of a single header. To another layer a folder stands for its rooms too, and gru.h for
# lib/engine, since the layer's header speaks for them.
ARROWS='
lib                       gru_choices.h gru_training.h gru_validation.h gru_recipe.h gru_explain.h
lib/json
lib/kernels
lib/engine                lib/kernels lib/json gru.h
lib/engine/file           lib/engine lib/json gru.h
lib/engine/train          lib/engine lib/kernels gru.h
lib/engine/explain        lib/engine/train lib/engine lib/kernels gru.h
lib/engine/recipe         lib/engine/train lib/engine/file lib/engine gru.h
server/base               lib/json gru.h
server/config             server/base
server/commands           server/service/scores server/config server/base lib/json gru.h
server/confine            server/base gru.h
server/secure             server/base gru.h
server/store              server/config server/base lib/json gru.h
server/webhook            server/base gru.h
server/cluster            server/secure server/config server/base gru.h
server/service            server/service/pool server/service/models server/service/sessions
server/service            server/service/cluster server/cluster
server/service            server/service/jobs server/service/scores server/service/rules server/store server/config server/base gru.h
server/service/scores     server/base gru.h
server/service/rules      SHARED server/webhook server/store server/config server/base gru.h
server/service/pool       server/service/names.h server/service/listeners.h
server/service/pool       server/service/rules/rule_states.h server/store server/base gru.h
server/service/cluster    server/service/pool server/store server/cluster server/base gru.h
server/service/models     server/service/pool server/service/scores server/service/rules SHARED
server/service/models     server/service/cluster server/cluster server/store server/config server/base gru.h
server/service/sessions   server/service/models server/service/pool server/service/scores
server/service/sessions   server/service/rules server/service/cluster server/cluster SHARED
server/service/sessions   server/store server/config server/base gru.h
server/service/jobs       server/service/sessions server/service/models server/service/pool SHARED
server/service/jobs       server/store server/config server/base gru.h
server/codec              server/service/service.h server/service/jobs/fine_tuning.h server/store
server/codec              server/base lib/json gru.h
server/http               server/codec server/service/service.h server/service/jobs/fine_tuning.h
server/http               server/secure server/cluster/cluster_counts.h
server/http               server/store/job_store.h server/config server/base gru.h
server                    server/base server/commands/command.h server/config/config.h
server                    server/confine/confine.h server/http/http.h server/secure/tls_client.h
server                    server/service/service.h server/service/jobs/fine_tuning.h
server                    server/webhook/webhook_client.h server/cluster/cluster_target.h gru.h
'

ARROWS=$(echo "$ARROWS" | sed "s|SHARED|$(echo $SHARED)|")
export ARROWS

# The files of these folders may call each other in circles.
export CIRCLES='lib/json'

# A foreign header (a regular expression), and the folders that may include it.
export FOREIGN='
microhttpd\.h   server/http
cJSON\.h        server/codec
sqlite3\.h      server/store
seccomp\.h      server/confine
gnutls/.*\.h    server/secure
cblas\.h        lib/kernels
xxhash\.h       server/base
zlib\.h         server/base
pthread\.h      server server/base server/http server/service server/service/pool
pthread\.h      server/service/models server/service/sessions server/service/jobs server/service/rules
curl/.*\.h      server/webhook
hiredis/.*\.h   server/cluster
'

# What both checks share: the tables as arrays, and whether an arrow is in them.
tables='
function read_table(name, keys,    lines, words, n, i) {
    n = split(ENVIRON[name], lines, "\n")
    for (i = 1; i <= n; i++) {
        if (split(lines[i], words, " ") > 0) {
            keys[words[1]]
            sub("^[^ ]+", "", lines[i])
            row[name, words[1]] = row[name, words[1]] lines[i]
        }
    }
}
function has_word(text, word) { return index(" " text " ", " " word " ") > 0 }
function folder_of(path) { return sub("/[^/]*$", "", path) ? path : "" }
function layer_of(folder) { return match(folder, "^[^/]*/[^/]*") ? substr(folder, 1, RLENGTH) : folder }
BEGIN {
    read_table("ARROWS", arrows)
    read_table("FOREIGN", foreign)
}
'

includes='
FNR == 1 {
    folder = folder_of(FILENAME)
    if (!(folder in arrows)) {
        print FILENAME ": its folder is not in the table of layers"
    }
}
function check_own(header,    target, full) {
    target = folder_of(header)
    full = index(header, "/") == 0 ? header : (("lib/" target) in arrows ? "lib/" : "server/") header
    if (folder_of(full) != folder && !has_word(row["ARROWS", folder], folder_of(full)) &&
        !has_word(row["ARROWS", folder], full)) {
        print FILENAME " includes " header
    }
}
function check_foreign(header,    f) {
    for (f in foreign) {
        if (header ~ "^(.*/)?" f "$" && !has_word(row["FOREIGN", f], folder)) {
            print FILENAME " includes <" header ">"
        }
    }
}
/^ *# *include *[<"]/ {
    is_own = $0 ~ /include *"/
    header = $0
    sub(/^[^<"]*[<"]/, "", header)
    sub(/[>"].*/, "", header)
    if (is_own) {
        check_own(header)
    }
    check_foreign(header)
}
/(pthread_(mutex|rwlock|cond|spin)|mtx)_|<threads\.h>/ && folder !~ "^server/service(/|$)" {
    print FILENAME ": a lock outside server/service"
}
'

symbols='
# nm: "BUILD/FILE.o: NAME TYPE ..."; the kernels are one file, compiled for each instruction set.
{
    file = substr($1, length(ENVIRON["BUILD"]) + 2)
    sub(/(-(baseline|avx2|avx512))?\.o:$/, "", file)
    if ($3 ~ /^[Uwv]$/) {
        uses[file, $2]
    } else if (!($2 in definer)) {
        definer[$2] = file
    }
}
function may_call(from, to,    words, n, i, word) {
    n = split(row["ARROWS", from], words, " ")
    for (i = 1; i <= n; i++) {
        word = words[i] == "gru.h" ? "lib/engine" : words[i]
        sub("/[^/]*\\.h$", "", word)
        if (to == word || (layer_of(from) != layer_of(word) && index(to, word "/") == 1)) {
            return 1
        }
    }
    return 0
}
function add_arrow(from, to, name,    a, b) {
    a = folder_of(from)
    b = folder_of(to)
    if (a != b && !may_call(a, b)) {
        print from " calls " to ": " name
    }
    if (a != b || !has_word(ENVIRON["CIRCLES"], a)) {
        names[from, to] = names[from, to] " " name
    }
}
# Files that call none of those that are left, or that none of them calls, are in no circle.
function strip(    pair, ends, n, calls, is_called, file, n_gone) {
    do {
        split("", calls)
        split("", is_called)
        for (pair in names) {
            split(pair, ends, SUBSEP)
            calls[ends[1]]
            is_called[ends[2]]
        }
        n_gone = 0
        for (pair in names) {
            split(pair, ends, SUBSEP)
            if (!(ends[1] in is_called) || !(ends[2] in calls)) {
                delete names[pair]
                n_gone++
            }
        }
    } while (n_gone > 0)
}
function reaches(from, to,    pair, ends) {
    seen[from]
    if ((from, to) in names) {
        return 1
    }
    for (pair in names) {
        split(pair, ends, SUBSEP)
        if (ends[1] == from && !(ends[2] in seen) && reaches(ends[2], to)) {
            return 1
        }
    }
    return 0
}
END {
    if (NR == 0) {
        print "there are no objects to look at"
    }
    for (use in uses) {
        split(use, part, SUBSEP)
        if ((part[2] in definer) && definer[part[2]] != part[1]) {
            add_arrow(part[1], definer[part[2]], part[2])
        }
    }
    strip()
    for (pair in names) {
        split(pair, part, SUBSEP)
        split("", seen)
        if (reaches(part[2], part[1])) {
            print "circle: " part[1] " calls " part[2] ":" names[pair]
        }
    }
}
'

what=$1
shift
case $what in
includes)
    complaints=$(find lib server -name '*.[ch]' -exec awk "$tables$includes" {} + | sort)
    ;;
symbols)
    export BUILD="$1"
    shift
    complaints=$(${NM:-nm} -A -P -g "$@" | awk "$tables$symbols" | sort)
    ;;
esac
[ -z "$complaints" ] || {
    echo "$complaints" | sed 's/^/layers: /' >&2
    exit 1
}
