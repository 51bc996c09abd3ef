# node.sh - a node of Kubernetes, beside the servers of servers.sh and with the controllers and the scheduler; to be read (`.`) by what
# runs as the first process in namespaces of mounts, network and processes: all this is for them alone, and ends with them.
# shellcheck shell=bash disable=SC2154 # $work, $node, $image and servers.sh's variables come from there
address=10.213.0.1 # the node's; its pods' begin with 10.213.1

# Folders that containerd, the kubelet and the network's plugins write in are empty and forgotten. Settings of the kernel that the
# kubelet would change are the machine's: it is shown what it wants to see.
make_namespaces() {
    local folder setting
    for folder in /run /var/lib /var/log; do
        mount -t tmpfs node "$folder"
    done
    for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1; do
        echo "${setting#*=}" >"/run/${setting##*/}"
        mount --bind "/run/${setting##*/}" "/proc/sys/${setting%=*}"
    done
    ip link set lo up
    ip address add "$address/32" dev lo
}

start_containerd() {
    local why
    mkdir "$work/network"
    cat >"$work/network/pods.conflist" <<END
{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "ptp",
  "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.213.1.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
END
    cat >"$work/containerd.toml" <<END
version = 2
[plugins."io.containerd.internal.v1.opt"]
path = "/run/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "docker.io/library/$image-pause:latest"
restrict_oom_score_adj = true # root of a sandbox may not be allowed to lower it
disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$work/network"
END
    containerd --config "$work/containerd.toml" >"$work/containerd.log" 2>&1 &
    for _ in $(seq 60); do
        containers version >/dev/null 2>&1 && break
        sleep 1
    done
    containers image import "$work/images.tar" >/dev/null || fail "containerd does not take the image: $(tail -n 1 "$work/containerd.log")"
    why=$(containers run --rm "docker.io/library/$image:latest" trial grud --version 2>&1) || skip "no container can run here: $why"
    containers image tag --force "docker.io/library/$image:latest" "docker.io/library/$(kubectl kustomize config/kubernetes | sed -n 's/^ *image: //p')"
}

containers() {
    ctr --namespace k8s.io "$@"
}

start_kubernetes() {
    start_servers --kubelet-preferred-address-types InternalIP
    cat >"$work/admin.conf" <<END
{"apiVersion": "v1", "kind": "Config", "current-context": "admin",
 "clusters": [{"name": "here", "cluster": {"server": "https://127.0.0.1:$port", "certificate-authority": "$work/apiserver.crt"}}],
 "users": [{"name": "admin", "user": {"token": "$token"}}],
 "contexts": [{"name": "admin", "context": {"cluster": "here", "user": "admin"}}]}
END
    "$tools/kube-controller-manager" --kubeconfig "$work/admin.conf" --leader-elect=false --secure-port 0 \
        --service-account-private-key-file "$work/accounts.pem" >"$work/controllers.log" 2>&1 &
    "$tools/kube-scheduler" --kubeconfig "$work/admin.conf" --leader-elect=false --secure-port 0 >"$work/scheduler.log" 2>&1 &
}

# Its server takes everything from everyone, who are those in this network.
start_kubelet() {
    cat >"$work/kubelet.yaml" <<END
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $address
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$node
failCgroupV1: false
failSwapOn: false
protectKernelDefaults: true
makeIPTablesUtilChains: false
evictionHard: {memory.available: 0%, nodefs.available: 0%, imagefs.available: 0%, nodefs.inodesFree: 0%}
imageGCHighThresholdPercent: 100
clusterDNS: [10.96.0.10] # nobody is there
resolvConf: "" # the machine's may be in /run
syncFrequency: 10s # when Secrets that were changed are brought to pods; a minute by itself
END
    while sleep 1; do # as on any node it is started again, should it end
        "$tools/kubelet" --config "$work/kubelet.yaml" --kubeconfig "$work/admin.conf" --hostname-override "$node" --node-ip "$address" || true
    done >"$work/kubelet.log" 2>&1 &
    for _ in $(seq 60); do
        ask wait --for=condition=Ready "node/$node" --timeout=1s >/dev/null 2>&1 && return
        sleep 1
    done
    fail "the node is not ready after a minute: $(grep "^[EF]" "$work/kubelet.log" | tail -n 3)"
}

start_node() {
    make_namespaces
    start_containerd
    start_kubernetes
    start_kubelet
}
