#!/bin/sh
# Fails if an include runs upward, or if a foreign header is seen outside the layer that hides it. (Calls upward fail to
# link: the tests of each layer are linked with that layer and those below.)
set -u
bad=0

complain() {
    echo "layers: $1" >&2
    bad=1
}

# only FOLDER INCLUDE...: the project's headers that files of the folder may include, as folders ("leaf": server/*.h).
only() {
    folder=$1
    shift
    for file in "$folder"/*.c "$folder"/*.h; do
        [ -f "$file" ] || continue
        sed -n 's/^ *# *include *"\(.*\)".*/\1/p' "$file" | while read -r header; do
            case $header in
            */*) from=${header%/*} ;;
            gru.h) from=gru ;;
            *)
                [ -f "$folder/$header" ] && [ "$folder" != server ] && continue # its own folder
                from=foreign
                [ ! -f "server/$header" ] || from=leaf
                ;;
            esac
            case " $* " in
            *" $from "*) ;;
            *) echo "$file includes $header" ;;
            esac
        done
    done
}

# hidden HEADER FOLDER...: only these folders may include the foreign header.
hidden() {
    header=$1
    shift
    for file in $(grep -lE "^ *# *include *[<\"](.*/)?${header}[>\"]" lib/*.h lib/*/*.[ch] server/*.[ch] server/*/*.[ch]); do
        case " $* " in
        *" ${file%/*} "*) ;;
        *) echo "$file includes <$header>" ;;
        esac
    done
}

upward=$(
    only lib/json json
    only lib/kernels kernels
    only lib/engine engine kernels json gru
    only server leaf gru json
    only server/store store leaf gru
    only server/confine confine leaf gru
    only server/secure secure leaf gru
    only server/service service store leaf gru
    only server/codec codec service leaf gru json
    only server/http http codec service secure leaf gru
)
upward=$(echo "$upward" | grep -v '^server/main.c includes \(confine/confine.h\|http/http.h\|secure/tls_client.h\|service/service.h\|service/jobs.h\)$')
[ -z "$upward" ] || complain "$upward"

foreign=$(
    hidden microhttpd.h server/http
    hidden cJSON.h server/codec
    hidden sqlite3.h server/store
    hidden seccomp.h server/confine
    hidden "gnutls/.*\.h" server/secure
    hidden cblas.h lib/kernels
    hidden xxhash.h server
    hidden pthread.h server/service server/http server
)
[ -z "$foreign" ] || complain "$foreign"

# Threads are started in http and main, but locks are the service's alone.
locks=$(grep -lE '(pthread_(mutex|rwlock|cond|spin)|mtx)_|<threads\.h>' lib/*.h lib/*/*.[ch] server/*.[ch] server/*/*.[ch] | grep -v '^server/service/')
[ -z "$locks" ] || complain "locks outside server/service: $locks"

exit $bad
