# servers.sh - a Kubernetes API server and its etcd on 127.0.0.1, and whatever else of Kubernetes a test wants, built from their Go
# modules, once; to be read by a test (`.`) that has set $name. Their files, and the test's, are in the folder $work.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are for whoever reads this file, and $name comes from there
version=1.34.1
tools=$PWD/build/kubernetes/v$version

skip() {
    echo "$name: SKIPPED, $*"
    exit 0
}

fail() {
    echo "$name: $*" >&2
    exit 1
}

# build_servers PROGRAM...: etcd, and these of Kubernetes. Its own go.mod names its parts by a folder of its repository; as modules they
# have the version 0.34.1.
build_servers() (
    local -a missing=()
    local source program
    for program; do
        [ -x "$tools/$program" ] || missing+=("k8s.io/kubernetes/cmd/$program")
    done
    [ "${#missing[@]}" -gt 0 ] || exit 0
    echo "$name: building ${missing[*]##*/} $version: two processors take ten minutes"
    mkdir -p "$tools/source"
    cd "$tools/source" || exit
    printf 'module servers\n' >go.mod
    source=$(go mod download -json "k8s.io/kubernetes@v$version" | jq -r .Dir)
    sed -E -e 's/^module .*/module servers/' -e '/^godebug /d' -e '/^replace \(/,/^\)/d' \
        -e "s#(k8s\.io/[a-z-]+) v0\.0\.0( |\$)#\1 v0.${version#1.}\2#" "$source/go.mod" >go.mod
    echo "require k8s.io/kubernetes v$version" >>go.mod
    cp --no-preserve=mode "$source/go.sum" .
    go build -mod=mod -o "$tools/etcd" go.etcd.io/etcd/server/v3
    go build -mod=mod -o "$tools/" -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$version" "${missing[@]}"
)

# start_servers OPTION-OF-KUBE-APISERVER...: adds their processes to $pids, and waits until they are ready.
start_servers() {
    local etcd_port peer_port
    read -r etcd_port peer_port port < <(shuf -i 20000-29999 -n 3 | paste -sd ' ')
    token=$(openssl rand -hex 16)
    echo "$token,admin,1,system:masters" >"$work/tokens"
    openssl genrsa -out "$work/accounts.pem" 2048 2>/dev/null
    "$tools/etcd" --data-dir "$work/etcd" --listen-client-urls "http://127.0.0.1:$etcd_port" \
        --advertise-client-urls "http://127.0.0.1:$etcd_port" --listen-peer-urls "http://127.0.0.1:$peer_port" >"$work/etcd.log" 2>&1 &
    pids="$pids $!"
    "$tools/kube-apiserver" --etcd-servers "http://127.0.0.1:$etcd_port" --cert-dir "$work" --bind-address 127.0.0.1 \
        --advertise-address 127.0.0.1 --secure-port "$port" --token-auth-file "$work/tokens" --authorization-mode RBAC \
        --service-account-issuer https://localhost --service-account-key-file "$work/accounts.pem" \
        --service-account-signing-key-file "$work/accounts.pem" --service-cluster-ip-range 10.96.0.0/16 "$@" >"$work/server.log" 2>&1 &
    pids="$pids $!"
    for _ in $(seq 60); do
        ask get --raw /readyz >/dev/null 2>&1 && return
        sleep 1
    done
    fail "the API server is not ready after a minute: $(tail -n 1 "$work/server.log")"
}

# kubectl, of this server and no other; what it warns of is an error.
ask() {
    KUBECONFIG=/dev/null kubectl --server "https://127.0.0.1:$port" --certificate-authority "$work/apiserver.crt" --token "$token" \
        --cache-dir "$work/cache" --warnings-as-errors --namespace strict "$@"
}

apply() {
    ask apply --server-side --validate=strict "$@"
}

# What the tests work in: it takes only pods that are "restricted".
make_namespace() {
    ask create namespace strict
    ask label namespace strict pod-security.kubernetes.io/{enforce,warn}=restricted
}
