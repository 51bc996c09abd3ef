#!/usr/bin/env bash
# kubernetes.sh: checks config/kubernetes, as it is and with all components. Against the schemas,
# strictly, of every version of Kubernetes that the Python package kubernetes-validate holds; and
# what no schema knows: that the manifests agree with each other and with grud about options, ports,
# probes, memory and the time to stop. It needs no cluster; its tools go to build/kubernetes.
set -euo pipefail
cd "$(dirname "$0")/../.."
unset GRU_URL OPENBLAS_CORETYPE
grud=$PWD/${GRUD:-build/grud}
name=kubernetes
. tests/checks/kubernetes-schemas.sh

# ---- checks ----

# ask FILTER: of the objects in $work/objects.json, by kind; an error if there is no answer.
ask() {
    jq -er "def pod: .StatefulSet.spec.template; def grud: pod.spec.containers[0];
        def option(name): grud.env[] | select(.name == name).value; $1" "$work/objects.json"
}

check_agreement() {
    local port version user
    port=$(sed -n 's/.*GRUD_LISTEN=[^ ]*:\([0-9]*\).*/\1/p' docker/Dockerfile)
    user=$(sed -n 's/^USER \([0-9]*\):.*/\1/p' docker/Dockerfile | sort -u)
    version=$("$grud" --version | cut -d' ' -f2)
    agree "the image is not that of this version, $version" "grud.image == \"grud:$version\""
    agree "the port is not that of grud, $port" "grud.ports == [{name: \"http\", containerPort: $port}]"
    agree "the user is not the image's, $user" "pod.spec.securityContext | .runAsUser == $user and .runAsGroup == $user and .fsGroup == $user"
    agree "Prometheus asks at another port" "pod.metadata.annotations[\"prometheus.io/port\"] == \"$port\""
    agree "the Service leads to another port" '.Service.spec.ports | length == 1 and .[0].targetPort == "http"'
    agree "the NetworkPolicy opens another port" '[.NetworkPolicy.spec.ingress[].ports[].port] == ["http"]'
    agree "a probe asks at another port" '[grud | .startupProbe, .livenessProbe, .readinessProbe | .httpGet.port] | all(. == "http")'
    agree "the Service selects other pods" '.Service.spec.selector == pod.metadata.labels'
    agree "the StatefulSet selects other pods" '.StatefulSet.spec.selector.matchLabels == pod.metadata.labels'
    agree "the NetworkPolicy selects other pods" '.NetworkPolicy.spec.podSelector.matchLabels == pod.metadata.labels'
    agree "the StatefulSet names another Service" '.StatefulSet.spec.serviceName == .Service.metadata.name'
    agree "volumes and mounts differ" '([pod.spec.volumes[]?.name] + [.StatefulSet.spec.volumeClaimTemplates[].metadata.name]) as $v
        | [grud.volumeMounts[].name] | sort == ($v | sort)'
    agree "the file of keys is in no volume" '[option("GRUD_API_KEYS")] == [] or (option("GRUD_API_KEYS") as $file
        | any(grud.volumeMounts[].mountPath; . as $folder | $file | startswith($folder + "/")))'
}

check_limits() {
    local limit
    agree "the pod is killed before preStop and GRUD_DRAIN_SECONDS are over" 'pod.spec.terminationGracePeriodSeconds
        > (grud.lifecycle.preStop.exec.command[1] | tonumber) + (option("GRUD_DRAIN_SECONDS") | tonumber)'
    limit=$(ask 'grud.resources.limits.memory' | numfmt --from=iec-i)
    agree "requests and a job may take more than half of the memory limit" \
        "(option(\"GRUD_MEMORY_MAX\") | tonumber) + (option(\"GRUD_JOB_MEMORY_MAX\") | tonumber) <= $limit / 2"
    agree "an upload of training data may take more than all requests" \
        '3 * (option("GRUD_TRAINING_MAX") | tonumber) <= (option("GRUD_MEMORY_MAX") | tonumber)'
}

# ---- what grud makes of it ----

# get STATUS PATH [HEADER]
get() {
    local status
    status=$(curl -s -m 60 -o "$work/reply" -w '%{http_code}' ${3:+-H "$3"} "http://127.0.0.1:$(cat "$work/port")$2") || true
    [ "$status" = "$1" ] || fail "GET $2 answers $status, not $1: $(head -c 300 "$work/reply")"
}

clean_up() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    wait
    rm -rf "$work"
}

# With the pod's environment, but for the places of files, which are here: models and keys as the
# kubelet mounts them, /data empty but for what a new file system has.
check_running() {
    local -a environment
    local path has_keys
    mapfile -t environment < <(ask 'grud.env[] | "\(.name)=\(.value // "default" | gsub("\\$\\(NAMESPACE\\)"; "default"))"')
    env -i "${environment[@]}" "$grud" check-config >/dev/null || fail "grud refuses the pod's environment"
    has_keys=$(ask 'any(grud.env[]; .name == "GRUD_API_KEYS") | tostring')

    rm -rf "$work/data" "$work/port"
    mkdir -p "$work/data/lost+found"
    env -i "${environment[@]}" "$grud" --models "$work/models" --data "$work/data" --listen 127.0.0.1:0 --port-file "$work/port" \
        --api-keys "$([ "$has_keys" = false ] || echo "$work/keys/keys")" 2>"$work/log" &
    pid=$!
    for _ in $(seq 600); do
        [ -s "$work/port" ] && break
        kill -0 "$pid" 2>/dev/null || fail "grud does not start: $(cat "$work/log")"
        sleep 0.1
    done
    for path in $(ask 'grud | .startupProbe, .livenessProbe, .readinessProbe | .httpGet.path'); do
        get 200 "$path"
    done
    grep -q '"status":"ok"' "$work/reply" || fail "grud is ready, but for this: $(cat "$work/reply")"
    path=$(ask 'pod.metadata.annotations["prometheus.io/path"]')
    [ "$has_keys" = false ] || get 401 "$path"
    get 200 "$path" "authorization: Bearer the-key-of-prometheus"
    grep -q '^grud_' "$work/reply" || fail "$path has no figures of grud"
    get 200 /v1/models/host-load "authorization: Bearer the-key-of-prometheus"
    kill "$pid"
    wait "$pid" || fail "grud ended with exit code $?"
    pid=
}

check() {
    kubectl kustomize "$work/kubernetes" >"$work/built.yaml" || fail "kustomize refuses config/kubernetes"
    sed 's/livenessProbe:/livenesProbe:/' "$work/built.yaml" >"$work/misspelled.yaml"
    check_schemas "$work/built.yaml" "$@"
    "$python" -c 'import json, sys, yaml; json.dump({o["kind"]: o for o in yaml.safe_load_all(sys.stdin)}, sys.stdout)' \
        <"$work/built.yaml" >"$work/objects.json"
    check_agreement
    check_limits
    check_running
}

install_tools
pid=
work=$(mktemp -d)
trap clean_up EXIT
lay_out "$work/models" examples/host-load/host-load.safetensors
mkdir "$work/secret"
echo "the-key-of-prometheus read" >"$work/secret/keys"
lay_out "$work/keys" "$work/secret/keys"
cp -r config/kubernetes "$work/kubernetes"
check config/kubernetes/{statefulset,service,networkpolicy}.yaml
sed -i 's/^#  - /  - /' "$work/kubernetes/kustomization.yaml"
check
echo "kubernetes: without components and with all, the manifests fit Kubernetes $(versions | paste -sd ' '), and grud"
