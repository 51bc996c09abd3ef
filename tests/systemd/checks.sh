#!/bin/sh
# checks.sh installed|rebooted: what must hold of the service, looked at as root on the machine that
# runs it. The first is for a machine on which `make install` was just done in /src, and leaves it
# ready for a reboot; the second is for after that.
set -u
url=http://127.0.0.1:8080
options=/etc/grud/grud.conf
data=/var/lib/private/grud
models=/srv/grud
closed=$models/closed.safetensors # which it may not read at first
demo=/src/examples/host-load/host-load.safetensors
n_read=0 # lines of the journal that `said` is to pass over
bad=0

# check FACT COMMAND...: it holds if the command succeeds; else what that printed, and the end of
# the journal, say more.
check() {
    fact=$1
    shift
    if output=$("$@" 2>&1); then
        echo "ok      $fact"
    else
        echo "FAILED  $fact"
        { echo "$output" && journal | tail -n 5; } | sed 's/^/        /'
        bad=1
        return 1
    fi
}

# same FOUND EXPECTED
same() {
    [ "$1" = "$2" ] || {
        echo "found '$1', expected '$2'"
        return 1
    }
}

# within_a_minute COMMAND...
within_a_minute() {
    n=0
    until "$@" >/dev/null 2>&1; do
        n=$((n + 1))
        [ $n -lt 300 ] || "$@" || return 1
        sleep 0.2
    done
}

# ---- systemd ----

property() { systemctl show --value -p "$1" grud; }
is_property() { same "$(property "$1")" "$2"; }

journal() {
    journalctl --sync
    journalctl -q -u grud -o cat "$@"
}
# What was said since is looked at, not what was before.
turn_page() { n_read=$(journal | wc -l); }
news() { journal | tail -n +$((n_read + 1)); }
said() { news | grep -q -- "$1"; }
complaints='SYS|[Ss]eccomp|ermission|not permitted|denied|trainer_not_idle|few_files|notify_failed'
nothing_was_forbidden() {
    journal | grep -q ' info ready' && ! journal | grep -v "file=$closed " | grep -E "$complaints"
}

process_file() { cat "/proc/$(property MainPID)/$1"; }
# What /proc/PID/status says behind a name.
status() { process_file status | sed -n "s/^$1:[[:space:]]*//p"; }

# ---- grud ----

# ask PATH [OPTION-OF-CURL...]
ask() {
    path=$1
    shift
    curl -sS --fail-with-body -m 30 "$@" "$url$path"
}
is_ready() { [ "$(property ActiveState)" = active ] && ask /readyz; }

# configure LINE...: the options as installed, and these.
configure() { { cat /usr/local/share/doc/grud/grud.conf && printf '%s\n' "$@"; } >$options; }

# systemctl waits until grud has said that it is ready: then it is, at once.
enable_now() { systemctl enable --now grud && is_ready; }
# (the count of starts begins anew: systemd refuses more than five in ten seconds)
restart() { systemctl reset-failed grud && systemctl restart grud && is_ready; }

# step N: the next step of the session must be number N; any other is refused.
step() {
    same "$(ask /v1/models/host-load/sessions/pump/step --json "{\"x\":[12.5,41,0.8,1000,$1],\"seq\":$1}" | jq .step)" "$1"
}

has_models() { same "$(ask /v1/models | jq -r '[.models[].name] | join(" ")')" "$1"; }

upload() { ask /v1/models/uploaded -X PUT -H 'content-type: application/octet-stream' --data-binary @$demo; }

# ---- facts ----

# The program, the options and the manual page, as the unit says where they are.
what_the_unit_names_is_there() {
    unit=$(property FragmentPath)
    same "$unit" /usr/local/lib/systemd/system/grud.service || return 1
    for file in $(grep -v '^#' "$unit" | grep -oE '[= ]/[^ ]+' | tr -d '= ') /usr/local/share/man/man1/grud.1; do
        test -s "$file" || { echo "no $file" && return 1; }
    done
}
# Nothing says where the library is, but for what make install told.
a_program_finds_the_library() {
    # shellcheck disable=SC2046 # options, one a word
    cc -o /tmp/predict /src/tests/install/predict.c $(pkg-config --cflags --libs libgru) &&
        ldd /tmp/predict | grep -F 'libgru.so.0 => /usr/local/lib/libgru.so.0' &&
        same "$(echo 10 40 0.5 1000 0 | /tmp/predict "$demo" | wc -l)" 5
}
systemd_understands_it() { same "$(systemd-analyze verify --man=no /usr/local/lib/systemd/system/grud.service 2>&1)" ""; }

# A number that systemd gave it for as long as it runs (DynamicUser: 61184 to 65519), and no way to
# more.
is_nobody_in_particular() {
    user=$(status Uid | cut -f1)
    { [ "$user" -ge 61184 ] && [ "$user" -le 65519 ]; } || { echo "user $user" && return 1; }
    same "$(status Uid)" "$user	$user	$user	$user" && same "$(status CapEff) $(status CapBnd)" "0000000000000000 0000000000000000" &&
        same "$(status NoNewPrivs)" 1
}
owns_its_data() {
    same "$(readlink /var/lib/grud)" private/grud && same "$(stat -c '%a %u' $data)" "700 $(status Uid | cut -f1)" &&
        test -s $data/sessions/host-load.pool && same "$(find $data -perm /077 ! -type l)" ""
}
may_open_files() { process_file limits | grep -E '^Max open files +16384 '; }
sees_no_home() {
    root=/proc/$(property MainPID)/root
    test -e "$root/src/Makefile" && same "$(stat -c %a "$root/root")" 0
}

trainer_is_idle() {
    for thread in /proc/"$(property MainPID)"/task/*; do
        # the 41st field is the policy, and SCHED_IDLE is 5; the second one, the name, holds no blank here
        ! grep -qx trainer "$thread/comm" || { same "$(cut -d' ' -f41 "$thread/stat")" 5 && return 0; }
    done
    return 1
}

# Rows of a load that goes up and down.
training_data() {
    awk 'BEGIN { for (k = 0; k < 300; k++) printf "%s[%.2f,40,%.2f,1000,0]", k ? "," : "", 50 + 40 * sin(k / 5), 1 + sin(k / 9) }'
}
job_has_ended() { ask "/v1/fine_tuning/jobs/$job" | grep -E '"status":"(succeeded|failed|cancelled)"'; }
# job_makes_version N
job_makes_version() {
    job=$(ask /v1/fine_tuning/jobs --json '{"model":"host-load","training":{"series":[{"x":['"$(training_data)"']}]},
        "hyperparameters":{"n_epochs":3}}' | jq -r .id)
    within_a_minute job_has_ended && trainer_is_idle &&
        same "$(ask "/v1/fine_tuning/jobs/$job" | jq -r '"\(.status) \(.fine_tuned_version)"')" "succeeded $1" &&
        test -s "$data/models/host-load/$1.safetensors"
}

comes_back_after_a_kill() {
    before=$(property MainPID)
    systemctl kill -s KILL grud
    within_a_minute is_not "$before" && within_a_minute is_ready && is_property NRestarts 1
}
is_not() { [ "$(property MainPID)" != "$1" ] && [ "$(property MainPID)" != 0 ]; }

reload_takes_the_new_options() {
    before=$(property MainPID)
    turn_page
    echo 'horizon-max = 5' >>$options
    systemctl reload grud && within_a_minute said ' reloaded' &&
        said 'option_changed option=horizon-max' && within_a_minute is_ready || return 1
    ! ask /v1/models/host-load/sessions/pump/forecast --json '{"horizon":6}' && is_property MainPID "$before"
}
reload_refuses_a_wrong_option() {
    turn_page
    echo 'horizon-min = 5' >>$options
    systemctl reload grud && within_a_minute said "reload_refused reason=.*there is no option 'horizon-min'" &&
        within_a_minute is_ready
}

stops_in_order() {
    turn_page
    systemctl stop grud
    is_property ActiveState inactive && is_property Result success && is_property ExecMainCode 1 && is_property ExecMainStatus 0 &&
        said 'stopping signal=TERM' && said 'stopped synced=yes'
}
has_failed() { is_property ActiveState failed; }
# systemd says "activating" of what it is about to start again, so "failed" is the end.
wrong_option_ends_it() {
    turn_page
    systemctl reset-failed grud
    ! systemctl start grud || return 1
    within_a_minute has_failed && is_property ExecMainStatus 2 && is_property NRestarts 0 &&
        same "$(news | grep -c '^grud: ')" 1 && said "^grud: $options:[0-9]*: there is no option 'horizon-min'"
}

lines_have_priorities() {
    journal -p err | grep -q "^grud: .* there is no option 'horizon-min'" && journal -p warning | grep -q ' warn no_models ' &&
        ! journal -p warning | grep -E ' (info|debug) ' && journal -p info | grep -q ' info ready '
}

install_again_keeps_options() {
    echo '# mine' >>$options
    before=$(sha256sum $options)
    make -C /src install >/dev/null && same "$(sha256sum $options)" "$before"
}

# As Python's safetensors writes it: for its owner alone.
reload_serves_what_was_mended() {
    install -m 600 $demo $closed
    turn_page
    systemctl reload grud && within_a_minute said 'model_refused file=.*/closed.safetensors.*chmod a+r it.*then SIGHUP' || return 1
    chmod -R a+rX $models
    systemctl reload grud && within_a_minute has_models "closed host-load uploaded"
}

# ---- what is looked at when ----

installed() {
    check "what the unit names is installed" what_the_unit_names_is_there
    check "a program finds the installed library" a_program_finds_the_library
    check "systemd understands the unit" systemd_understands_it
    check "the options as installed are valid" /usr/local/bin/grud check-config --config $options

    check "enabled and started as installed, it is ready when systemctl is done" enable_now ||
        return
    check "without a model its log says what to do" said 'warn no_models '
    check "a model can be uploaded" upload
    mkdir -p $models && cp $demo $models
    configure "models = $models"
    check "with 'models = $models' in its options, it is ready" restart
    check "that folder's model is served, and the uploaded one" has_models "host-load uploaded"

    check "reload serves a model that it could not read, after chmod" reload_serves_what_was_mended
    check "it is a dynamic user, without capabilities" is_nobody_in_particular
    check "its data is in $data, for nobody else" owns_its_data
    check "it may open 16384 files" may_open_files
    check "it does not see /root" sees_no_home

    check "a first step" step 1
    check "restarted, it is ready" restart
    check "the session goes on" step 2
    check "killed, it is started again" comes_back_after_a_kill
    check "the session goes on" step 3
    check "a fine-tuning job makes a version, at SCHED_IDLE" job_makes_version 2

    without=$(status Seccomp_filters)
    configure "models = $models" "seccomp = yes"
    check "with 'seccomp = yes', it is ready" restart
    check "that is one more filter of system calls" same "$(status Seccomp_filters)" $((without + 1))
    check "the session goes on" step 4
    check "a fine-tuning job makes a version" job_makes_version 3

    check "reload takes new options, and the process goes on" reload_takes_the_new_options
    check "reload refuses a wrong option, and it goes on serving" reload_refuses_a_wrong_option
    check "stop ends it in order, with exit code 0" stops_in_order
    check "with a wrong option it fails, is not started again, and one line says why" wrong_option_ends_it
    check "the journal knows errors and warnings from the rest" lines_have_priorities
    check "nothing was forbidden to it" nothing_was_forbidden

    configure "models = $models" "seccomp = yes"
    check "make install again keeps edited options" install_again_keeps_options
}

rebooted() {
    check "after a reboot it is ready" within_a_minute is_ready
    check "the session goes on" step 5
    check "nothing was forbidden to it" nothing_was_forbidden
}

"$1"
exit $bad
