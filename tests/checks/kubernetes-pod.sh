#!/usr/bin/env bash
# kubernetes-pod.sh: runs config/kubernetes on one real node. Kubernetes is built from its Go
# module, once; containerd and the network's plugins are the distribution's; the image is $IMAGE.
# The node and its pods have mounts, a network and processes of their own: they end with their first
# process, and nothing of them is left on the machine but control groups, which are removed here.
# What is looked at is in kubernetes/pod.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
name=kubernetes-pod
. tests/kubernetes/servers.sh
docker=${DOCKER:-docker}
image=${IMAGE:-grud}

# Where control groups are: with version 1 one folder for each kind.
hierarchies() {
    findmnt --list --noheadings --output TARGET --types cgroup,cgroup2
}

in_hierarchies() {
    local folder
    for folder in $(hierarchies); do
        "$@" "$folder/$node" || return
    done
}

remove_group() {
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || [ ! -e "$1" ]
}

# The kernel needs a moment until a group's last process has gone.
clean_up() {
    [ -z "$pids" ] || kill -KILL $pids 2>/dev/null || true
    wait
    for _ in $(seq 60); do
        in_hierarchies remove_group && break
        sleep 1
    done
    rm -rf --one-file-system "$work"
}

# What a pod's processes share is held by a process that does nothing, from an image of its own.
save_images() {
    printf 'FROM %s\nENTRYPOINT ["sleep", "infinity"]\n' "$image" | $docker build -q -t "$image-pause" - >/dev/null
    $docker save -o "$work/images.tar" "$image" "$image-pause"
    $docker image rm "$image-pause" >/dev/null
}

[ "$(id -u)" = 0 ] || skip "only root can run a node"
for program in kubectl go containerd runc; do
    command -v $program >/dev/null || skip "there is no $program"
done
$docker image inspect "$image" >/dev/null 2>&1 || skip "there is no image $image, or no engine to ask for it"
build_servers kube-apiserver kube-controller-manager kube-scheduler kubelet
pids=
work=$(mktemp -d)
chmod 755 "$work" # the volume is in it
node=$(basename "$work" | tr . - | tr '[:upper:]' '[:lower:]')
trap clean_up EXIT
trap 'exit 1' INT TERM
why=$(in_hierarchies mkdir 2>&1) || skip "there can be no control groups: $why"
why=$(unshare --mount --net --pid --fork --mount-proc true 2>&1) || skip "there can be no namespaces: $why"
save_images
unshare --mount --net --pid --fork --kill-child --mount-proc env work="$work" node="$node" image="$image" tests/kubernetes/pod.sh &
pids=$!
wait "$pids"
