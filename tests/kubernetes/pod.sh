#!/usr/bin/env bash
# pod.sh: starts a node, applies config/kubernetes to it, as it is and with all components, and checks what the pod does: as it comes
# up, when it is deleted, killed, hung and changed. ../kubernetes-pod.sh runs it, in namespaces of its own.
set -euo pipefail
name=kubernetes-pod
pids=
. tests/checks/checks.sh
. tests/checks/streams.sh
. tests/kubernetes/servers.sh
. tests/kubernetes/node.sh

# ---- the pod ----

# pod FIELD, container FIELD: of Kubernetes' API; the pod has one container.
pod() {
    ask get pod grud-0 -o "jsonpath={.$1}"
}
container() {
    pod "status.containerStatuses[0].$1"
}

inside() {
    ask exec grud-0 -- "$@" 2>&1
}
# process NAME: what stands behind a name in the status of grud's process
process() {
    inside sed -n "s/^$1:[[:space:]]*//p" /proc/1/status
}

# signal NAME: to grud, from outside: signals that it cannot catch do not reach a container's first process from inside.
signal() {
    local id
    id=$(container containerID)
    containers task kill --signal "$1" "${id#containerd://}"
}

within_five_minutes() {
    for _ in $(seq 300); do
        "$@" >/dev/null 2>&1 && return
        sleep 1
    done
    "$@"
}

is_ready() {
    local condition='status.conditions[?(@.type=="Ready")].status'
    [ "$(pod "$condition") $(pod metadata.deletionTimestamp)" = "True " ] || { pod status && return 1; }
}
is_another_than() { [ "$(pod metadata.uid)" != "$1" ] && is_ready; }
was_restarted() { [ "$(container restartCount)" = "$1" ] && is_ready; }

# await FACT COMMAND...: within five minutes; then $url is the pod's address.
await() {
    check "$1" within_five_minutes "${@:2}"
    url=http://$(pod status.podIP):8080
}

# said EVENT FIELD: what the log has in its last line about it
said() {
    jq -rs "map(select(.event == \"$1\")) | last | .$2" "$work/log"
}
read_log() { ask logs grud-0 >"$work/log"; }

# What Kubernetes warns of, but that the pod came before its volume was known, or was asked before it had started: a probe or hook that
# fails, a container that ends.
complaints() {
    ask get events --field-selector type=Warning -o json |
        jq -r '.items[] | "\(.reason): \(.message)" | select(test("^FailedScheduling|^Unhealthy: Startup") | not)'
}

# status_of PATH [KEY]
status_of() {
    curl -s -m 60 -o /dev/null -w '%{http_code}' ${2:+-H "authorization: Bearer $2"} "$url/$1"
}

# train: a job from its beginning to its end, and the version that it made
train() {
    local id
    id=$(jq -nc '{model: "host-load", hyperparameters: {n_epochs: 3},
            training: {series: [{x: [range(300) | [50 + 40 * (. / 5 | sin), 40, 1 + (. / 9 | sin), 1000, 0]]}]}}' |
        curl -s "$url/v1/fine_tuning/jobs" -H "$json" --data-binary @- | jq -r .id)
    within_five_minutes has_ended "$id" >/dev/null
    curl -s "$url/v1/fine_tuning/jobs/$id" | jq -r '"\(.status) \(.fine_tuned_version)"'
}
has_ended() {
    curl -s "$url/v1/fine_tuning/jobs/$1" | jq -e '.finished_at'
}

# ---- what it stands on ----

# A volume of this node, root's and empty but for what a new file system has. It is the only one: the claim takes it.
make_volume() {
    mkdir "$work/volume"
    mkdir -m 700 "$work/volume/lost+found"
    apply -f - <<END
apiVersion: v1
kind: PersistentVolume
metadata: {name: local}
spec:
  capacity: {storage: 10Gi}
  accessModes: [ReadWriteOnce]
  local: {path: $work/volume}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [$node]}]}]}}
END
}

# ---- what is looked at ----

comes_up() {
    apply -k config/kubernetes
    await "the pod is ready by its own probes" is_ready
    is "a fine-tuning job makes a version on the volume" "succeeded 2" "$(train)"
    read_log
    is "it is nobody in particular" 10001 "$(process Uid | cut -f1)"
    is "it has no capabilities, and no way to any" "0000000000000000 0000000000000000 1" "$(process CapEff) $(process CapBnd) $(process NoNewPrivs)"
    is "the runtime's filter of system calls is on" 2 "$(process Seccomp)"
    like "its root is read-only" 'Read-only file system' "$(inside touch /usr/here || true)"
    like "it is given no key of the API server" 'No such file' "$(inside ls /var/run/secrets || true)"
    is "fsGroup makes root's volume writable" "0 10001 2775" "$(inside stat -c '%u %g %a' /data)"
    is "what it has there is not for others" "" "$(inside find /data -mindepth 1 -perm /007)"
    is "two processors are two workers" 2 "$(said ready workers)"
    is "nothing is worth a warning to grud" "" "$(jq -r 'select(.level != "info")' "$work/log")"
    is "and nothing to Kubernetes" "" "$(complaints)"
    is "the Service leads to it" "$(pod status.podIP) true" \
        "$(ask get endpointslices -o json | jq -r '.items[].endpoints[] | "\(.addresses[0]) \(.conditions.ready)"')"
}

# What is said of its end must be listened to while it ends: with the pod it is gone.
is_deleted_under_load() {
    local before began
    before=$(pod metadata.uid)
    start_load
    ask logs -f grud-0 >"$work/log" &
    ask get pod grud-0 --watch -o json >"$work/watched" &
    watcher=$!
    began=$(date +%s%3N)
    ask delete pod grud-0
    wait "${streams[@]}"
    await "deleted, it is made again" is_another_than "$before"
    kill "$watcher"
    is "no hook failed" "" "$(complaints | grep Hook || true)"
    check "preStop kept it serving for five seconds" test "$(date -d "$(said stopping time)" +%s%3N)" -ge $((began + 5000))
    is "it ended with 0" 0 "$(jq -s 'map(.status.containerStatuses[0].state.terminated.exitCode | values) | last' "$work/watched")"
    is "and synced" yes "$(said stopped synced)"
    is "no answer was cut" "" "$(answers_that_were_cut)"
    check_sessions 0
}

is_killed_under_load() {
    start_load
    signal KILL
    wait "${streams[@]}"
    await "killed, it is started again" was_restarted 1
    is "it was killed" 137 "$(container lastState.terminated.exitCode)"
    check_sessions 1
}

# A process that is stopped answers nothing, and takes no SIGTERM either: a minute for the probe, and half of one to end.
hangs() {
    signal STOP
    await "hung, it is killed and started again" was_restarted 1
    like "its session goes on" '"step":' "$(step load-1 '[10,1,0.5,1000,0]')"
}

# An option that grud does not know, and then the manifests as they were.
is_misconfigured() {
    rm -rf "$work/wrong"
    cp -r config/kubernetes "$work/wrong"
    sed -i 's/GRUD_DRAIN_SECONDS$/GRUD_DRAIN_SECOND/' "$work/wrong/statefulset.yaml"
    apply -k "$work/wrong"
    check "with a wrong option it ends with 2, and its state says why" within_five_minutes has_refused GRUD_DRAIN_SECOND
    apply -k config/kubernetes
    await "with the right one again, it is ready" is_ready
    like "its session goes on" '"step":' "$(step load-1 '[10,1,0.5,1000,0]')"
}
has_refused() {
    local ended
    ended=$(container lastState.terminated)
    echo "$ended"
    [[ $ended =~ '"exitCode":2,'.*"$1: there is no such option" ]]
}

# With both components, as their folders say, and half the processors.
changes() {
    local before
    before=$(pod metadata.uid)
    mkdir "$work/models"
    cp examples/sunspots/sunspots.safetensors "$work/models"
    echo "first read" >"$work/keys"
    ask create secret generic grud-keys --from-file=keys="$work/keys"
    ask create configmap grud-models --from-file="$work/models/"
    cp -r config/kubernetes "$work/all"
    sed -i 's/^#  - /  - /' "$work/all/kustomization.yaml"
    sed -i 's/cpu: "2"/cpu: "1"/' "$work/all/statefulset.yaml"
    apply -k "$work/all"
    await "with keys and models, it is made again, and ready by the same probes" is_another_than "$before"
    read_log
    is "one processor is one worker" 1 "$(said ready workers)"
    is "nothing is told without a key" 401 "$(status_of v1/models)"
    is "nor with another's" 401 "$(status_of v1/models second)"
    is "the Secret's key is taken" 200 "$(status_of v1/models first)"
    is "the ConfigMap's model is served" 200 "$(status_of v1/models/sunspots first)"
    echo "second read" >"$work/keys"
    ask create secret generic grud-keys --from-file=keys="$work/keys" --dry-run=client -o yaml | apply --force-conflicts -f -
    check "a changed Secret reaches the pod" within_five_minutes inside grep second /keys/keys
    ask exec grud-0 -- sh -c 'kill -HUP 1'
    check "and is taken after the kill -HUP" within_five_minutes has_second_key
    is "the old key is not, then" 401 "$(status_of v1/models first)"
}
has_second_key() { [ "$(status_of v1/models second)" = 200 ]; }

# Deleted whole and applied again, it has its sessions: the claim stays.
is_removed() {
    ask delete -k config/kubernetes
    ask wait --for=delete pod/grud-0 --timeout=1m
    apply -k config/kubernetes
    await "removed and applied again, it is ready" is_ready
    check_sessions 100 # and those since
}

start_node
make_namespace
make_volume
comes_up
is_deleted_under_load
is_killed_under_load
is_misconfigured
hangs
changes
is_removed
finish
