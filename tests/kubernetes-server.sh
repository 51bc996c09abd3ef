#!/usr/bin/env bash
# kubernetes-server.sh: has a real API server take config/kubernetes, as it is and with all components, in a namespace that enforces
# the Pod Security Standard "restricted"; then the volume claim and the pod that the StatefulSet's controller would make of it. It
# has no node, so no pod runs. The server and its etcd are built from their Go modules, once, and started on 127.0.0.1.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$PWD/build/kubernetes
version=1.34.1

skip() {
    echo "kubernetes-server: SKIPPED, $*"
    exit 0
}

fail() {
    echo "kubernetes-server: $*" >&2
    exit 1
}

# Kubernetes' own go.mod names its parts by a folder of its repository; as modules they have the version 0.34.1.
build_servers() (
    [ -x "$tools/kube-apiserver-$version" ] && exit
    echo "kubernetes-server: building kube-apiserver $version and etcd: two processors take seven minutes"
    mkdir -p "$tools/servers"
    cd "$tools/servers"
    printf 'module servers\n' >go.mod
    source=$(go mod download -json "k8s.io/kubernetes@v$version" | jq -r .Dir)
    sed -E -e 's/^module .*/module servers/' -e '/^godebug /d' -e '/^replace \(/,/^\)/d' \
        -e "s#(k8s\.io/[a-z-]+) v0\.0\.0( |\$)#\1 v0.${version#1.}\2#" "$source/go.mod" >go.mod
    echo "require k8s.io/kubernetes v$version" >>go.mod
    cp --no-preserve=mode "$source/go.sum" .
    go build -mod=mod -o "$tools/etcd" go.etcd.io/etcd/server/v3
    go build -mod=mod -o "$tools/kube-apiserver-$version" -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$version" \
        k8s.io/kubernetes/cmd/kube-apiserver
)

start_servers() {
    local etcd_port peer_port
    read -r etcd_port peer_port port < <(shuf -i 20000-29999 -n 3 | paste -sd ' ')
    token=$(openssl rand -hex 16)
    echo "$token,admin,1,system:masters" >"$work/tokens"
    openssl genrsa -out "$work/accounts.pem" 2048 2>/dev/null
    "$tools/etcd" --data-dir "$work/etcd" --listen-client-urls "http://127.0.0.1:$etcd_port" \
        --advertise-client-urls "http://127.0.0.1:$etcd_port" --listen-peer-urls "http://127.0.0.1:$peer_port" >"$work/etcd.log" 2>&1 &
    pids=$!
    "$tools/kube-apiserver-$version" --etcd-servers "http://127.0.0.1:$etcd_port" --cert-dir "$work" --bind-address 127.0.0.1 \
        --advertise-address 127.0.0.1 --secure-port "$port" --token-auth-file "$work/tokens" --authorization-mode RBAC \
        --service-account-issuer https://localhost --service-account-key-file "$work/accounts.pem" \
        --service-account-signing-key-file "$work/accounts.pem" --service-cluster-ip-range 10.96.0.0/16 >"$work/server.log" 2>&1 &
    pids="$pids $!"
    for _ in $(seq 60); do
        ask get --raw /readyz >/dev/null 2>&1 && return
        sleep 1
    done
    fail "the API server is not ready after a minute: $(tail -n 1 "$work/server.log")"
}

stop_servers() {
    local pid
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" || true
    done
    rm -rf "$work"
}

# kubectl, of this server and no other; what it warns of is an error.
ask() {
    KUBECONFIG=/dev/null kubectl --server "https://127.0.0.1:$port" --certificate-authority "$work/apiserver.crt" --token "$token" \
        --cache-dir "$work/cache" --warnings-as-errors --namespace strict "$@"
}

apply() {
    ask apply --server-side --validate=strict "$@"
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
build_servers
pids=
work=$(mktemp -d)
trap stop_servers EXIT
start_servers
ask create namespace strict
ask label namespace strict pod-security.kubernetes.io/{enforce,warn}=restricted
ask create serviceaccount default # a controller would
check config/kubernetes
cp -r config/kubernetes "$work/all"
sed -i 's/^#  - /  - /' "$work/all/kustomization.yaml"
check "$work/all"
echo "kubernetes-server: Kubernetes $version takes the manifests, and their pod as \"restricted\""
