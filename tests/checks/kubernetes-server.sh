#!/usr/bin/env bash
# kubernetes-server.sh: has a real API server take config/kubernetes, as it is and with all
# components, in a namespace that enforces the Pod Security Standard "restricted"; then the volume
# claim and the pod that the StatefulSet's controller would make of it. It has no node, so no pod
# runs. The server and its etcd are built from their Go modules, once, and started on 127.0.0.1.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=kubernetes-server
. tests/kubernetes/servers.sh

stop_servers() {
    local pid
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" || true
    done
    rm -rf "$work"
}

# refused WORD COMMAND...: the command, with standard input, fails, and says WORD.
refused() {
    local word=$1
    shift
    if "$@" >"$work/answer" 2>&1; then
        fail "the API server takes what it must refuse ($word)"
    fi
    grep -q "$word" "$work/answer" || fail "the API server refuses for another reason than $word: $(cat "$work/answer")"
}

check() {
    apply -k "$1"
    kubectl kustomize "$1" | sed 's/livenessProbe:/livenesProbe:/' | refused livenesProbe apply --dry-run=server -f -
    ask get statefulset grud -o json >"$work/set.json"
    jq '.spec.volumeClaimTemplates[0] | .apiVersion = "v1" | .metadata.name = "data-grud-0"' "$work/set.json" |
        apply --dry-run=server -f -
    jq '.spec.template | .apiVersion = "v1" | .kind = "Pod" | .metadata.name = "grud-0"
        | .spec.volumes += [{name: "data", persistentVolumeClaim: {claimName: "data-grud-0"}}]' "$work/set.json" >"$work/pod.json"
    apply --dry-run=server -f "$work/pod.json"
    jq 'del(.spec.containers[].securityContext)' "$work/pod.json" | refused PodSecurity apply --dry-run=server -f -
}

command -v kubectl >/dev/null || skip "there is no kubectl"
command -v go >/dev/null || skip "there is no Go to build an API server with"
build_servers kube-apiserver
pids=
work=$(mktemp -d)
trap stop_servers EXIT
start_servers
make_namespace
ask create serviceaccount default # a controller would
check config/kubernetes
cp -r config/kubernetes "$work/all"
sed -i 's/^#  - /  - /' "$work/all/kustomization.yaml"
check "$work/all"
echo "kubernetes-server: Kubernetes $version takes the manifests, and their pod as \"restricted\""
