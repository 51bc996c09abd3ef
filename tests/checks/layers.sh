#!/bin/sh
# Fails if an include runs upward, or if a foreign header is seen outside the layer that hides it. (Calls upward fail to
# link: the tests of each layer are linked with that layer and those below.)
set -u
bad=0

complain() {
    echo "layers: $1" >&2
    bad=1
}

# only FOLDER INCLUDE...: the folders (or single headers) whose headers files of the folder may include.
only() {
    folder=$1
    shift
    for file in "$folder"/*.c "$folder"/*.h; do
        [ -f "$file" ] || continue
        sed -n 's/^ *# *include *"\(.*\)".*/\1/p' "$file" | while read -r header; do
            case " $* " in
            *" ${header%/*} "* | *" $header "*) ;;
            *) echo "$file includes $header" ;;
            esac
        done
    done
}

# hidden HEADER FOLDER...: only these folders may include the foreign header.
hidden() {
    header=$1
    shift
    for file in $(grep -rlE --include='*.[ch]' "^ *# *include *[<\"](.*/)?${header}[>\"]" lib server); do
        case " $* " in
        *" ${file%/*} "*) ;;
        *) echo "$file includes <$header>" ;;
        esac
    done
}

upward=$(
    only lib/json json
    only lib/kernels kernels
    only lib/engine engine kernels json gru.h
    only lib/engine/file engine/file engine json gru.h
    only lib/engine/train engine/train engine kernels gru.h
    only server/base base gru.h json
    only server/config config base
    only server/commands commands config base gru.h json
    only server/store store config base gru.h
    only server/confine confine base gru.h
    only server/secure secure base gru.h
    # service/ itself holds what all its rooms share, and on top of them what assembles them.
    shared="service/names.h service/degraded.h service/job_database.h service/service_private.h service/service_context.h"
    only server/service service service/pool service/models service/sessions service/jobs store config base gru.h
    only server/service/pool service/pool service/names.h store base gru.h
    only server/service/models service/models service/pool $shared store config base gru.h
    only server/service/sessions service/sessions service/models service/pool $shared store config base gru.h
    only server/service/jobs service/jobs service/sessions service/models service/pool $shared store config base gru.h
    only server/codec codec service/service.h service/jobs/fine_tuning.h store base gru.h json
    only server/http http codec service/service.h service/jobs/fine_tuning.h secure config base gru.h
    only server base/clock.h base/log.h base/refusal.h base/signals.h base/wait.h base/status.h commands/command.h config/config.h \
        confine/confine.h http/http.h secure/tls_client.h service/service.h service/jobs/fine_tuning.h gru.h
)
[ -z "$upward" ] || complain "$upward"

foreign=$(
    hidden microhttpd.h server/http
    hidden cJSON.h server/codec
    hidden sqlite3.h server/store
    hidden seccomp.h server/confine
    hidden "gnutls/.*\.h" server/secure
    hidden cblas.h lib/kernels
    hidden xxhash.h server/base
    hidden pthread.h server/service server/service/pool server/service/models server/service/sessions server/service/jobs server/http server/base server
)
[ -z "$foreign" ] || complain "$foreign"

# Threads are started in http and main, but locks are the service's alone.
locks=$(grep -rlE --include='*.[ch]' '(pthread_(mutex|rwlock|cond|spin)|mtx)_|<threads\.h>' lib server | grep -v '^server/service/')
[ -z "$locks" ] || complain "locks outside server/service: $locks"

exit $bad
