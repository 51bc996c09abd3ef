#!/usr/bin/env bash
# kubernetes-cluster.sh: checks config/kubernetes/cluster as kubernetes.sh does config/kubernetes: against
# the schemas, and whether its parts agree with each other and with grud. Then its engine, as the
# pod would start it (by redis-server where there is no Valkey), and two nodes in the pods'
# environment: they share sessions, and the engine's user may do what they need and no more.
set -euo pipefail
cd "$(dirname "$0")/../.."
unset GRU_URL OPENBLAS_CORETYPE
grud=$PWD/${GRUD:-build/grud}
name=kubernetes-cluster
. tests/checks/kubernetes-schemas.sh

# ---- checks ----

# ask FILTER: of the objects in $work/objects.json; an error if there is no answer.
ask() {
    jq -er "def object(kind; name): .[] | select(.kind == kind and .metadata.name == name);
        def nodes: object(\"Deployment\"; \"grud\"); def pod: nodes.spec.template; def grud: pod.spec.containers[0];
        def engine: object(\"StatefulSet\"; \"grud-engine\"); def valkey: engine.spec.template.spec.containers[0];
        def option(name): grud.env[] | select(.name == name).value; $1" "$work/objects.json"
}

check_agreement() {
    local port version user limit
    port=$(sed -n 's/.*GRUD_LISTEN=[^ ]*:\([0-9]*\).*/\1/p' docker/Dockerfile)
    user=$(sed -n 's/^USER \([0-9]*\):.*/\1/p' docker/Dockerfile | sort -u)
    version=$("$grud" --version | cut -d' ' -f2)
    agree "the image is not that of this version, $version" "grud.image == \"grud:$version\""
    agree "the port is not that of grud, $port" "grud.ports == [{name: \"http\", containerPort: $port}]"
    agree "the user is not the image's, $user" "pod.spec.securityContext | .runAsUser == $user and .runAsGroup == $user and .fsGroup == $user"
    agree "a probe asks at another port" '[grud | .startupProbe, .livenessProbe, .readinessProbe | .httpGet.port] | all(. == "http")'
    agree "a Service selects other pods" '(object("Service"; "grud").spec.selector == pod.metadata.labels)
        and (object("Service"; "grud-engine").spec.selector == engine.spec.template.metadata.labels)'
    agree "the budget selects other pods" 'object("PodDisruptionBudget"; "grud").spec.selector.matchLabels == pod.metadata.labels'
    agree "a NetworkPolicy selects other pods" '(object("NetworkPolicy"; "grud").spec.podSelector.matchLabels == pod.metadata.labels)
        and (object("NetworkPolicy"; "grud-engine").spec | .podSelector.matchLabels == {"app.kubernetes.io/name": "grud-engine"}
            and .ingress[0].from[0].podSelector.matchLabels == {"app.kubernetes.io/name": "grud"})'
    agree "the nodes name another engine" 'option("GRUD_CLUSTER") == "redis://grud@grud-engine:6379/0"
        and valkey.ports[0].containerPort == 6379'
    agree "an update may leave fewer nodes than there are" 'nodes.spec.strategy.rollingUpdate.maxUnavailable == 0'
    agree "the budget lets all nodes go" 'object("PodDisruptionBudget"; "grud").spec.maxUnavailable < nodes.spec.replicas'
    agree "the pod is killed before preStop and GRUD_DRAIN_SECONDS are over" 'pod.spec.terminationGracePeriodSeconds
        > (grud.lifecycle.preStop.exec.command[1] | tonumber) + (option("GRUD_DRAIN_SECONDS") | tonumber)'
    limit=$(ask 'grud.resources.limits.memory' | numfmt --from=iec-i)
    agree "requests and a job may take more than half of the memory limit" \
        "(option(\"GRUD_MEMORY_MAX\") | tonumber) + (option(\"GRUD_JOB_MEMORY_MAX\") | tonumber) <= $limit / 2"
}

# ---- what they make of it ----

free_port() {
    local port
    while port=$((20000 + RANDOM % 10000)) && (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do :; done
    echo "$port"
}

clean_up() {
    local pid
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}

start_engine() {
    local program=valkey-server
    command -v $program >/dev/null || program=redis-server
    command -v $program >/dev/null || skip "its files fit; there is neither valkey-server nor redis-server to run them with"
    engine=$(free_port)
    mkdir "$work/data"
    ask 'valkey.args[0]' | sed "s|valkey-server --dir /data|$program --bind 127.0.0.1 --port $engine --dir $work/data|; s|/engine/|$work/engine/|" \
        >"$work/start"
    sh -c "$(<"$work/start")" >"$work/engine.log" &
    pids="$pids $!"
}

# start_node NAME: sets $url.
start_node() {
    local -a environment
    local path
    mapfile -t environment < <(ask 'grud.env[] | "\(.name)=\(.value // "default" | gsub("\\$\\(NAMESPACE\\)"; "default"))"' |
        sed "s|grud-engine:6379|127.0.0.1:$engine|; s|=/engine/|=$work/engine/|")
    env -i "${environment[@]}" "$grud" check-config >/dev/null || fail "grud refuses the pod's environment"
    env -i "${environment[@]}" "$grud" --models examples/host-load --listen 127.0.0.1:0 --port-file "$work/$1" 2>"$work/$1.log" &
    pids="$pids $!"
    for _ in $(seq 600); do
        [ ! -s "$work/$1" ] || break
        kill -0 $! 2>/dev/null || fail "grud does not start: $(cat "$work/$1.log")"
        sleep 0.1
    done
    url=http://127.0.0.1:$(cat "$work/$1")
    for path in $(ask 'grud | .startupProbe, .livenessProbe, .readinessProbe | .httpGet.path'); do
        curl -s --retry 10 --fail "$url$path" >/dev/null || fail "$path does not answer 200"
    done
    url+=/v1/models/host-load/sessions/a
}

# steps NUMBER: the session's next step is this. As clients do, it asks again while the engine is not reached.
steps() {
    curl -s --retry 10 "$url/step" --json '{"x":[1,2,3,4,5]}' | jq -e ".step == $1" >/dev/null ||
        fail "step $1 was not made: $(cat "$work"/*.log)"
}

# refused WORD ARGUMENT...: of redis-cli, at the engine.
refused() {
    local said
    said=$(timeout 60 redis-cli -p "$engine" "${@:2}" 2>&1) || true
    [[ $said == *$1* ]] || fail "the engine lets somebody do ${*:2}: $said"
}

check_running() {
    start_engine
    start_node one
    steps 1
    start_node two
    steps 2
    refused NOAUTH PING
    refused NOPERM --user grud --pass "$(<"$work/engine/password")" --no-auth-warning FLUSHALL
    refused NOPERM --user grud --pass "$(<"$work/engine/password")" --no-auth-warning GET other
}

install_tools
pids=
work=$(mktemp -d)
trap clean_up EXIT
mkdir "$work/secret"
printf 'thepasswordoftheengine' >"$work/secret/password"
chmod 440 "$work/secret/password" # defaultMode
lay_out "$work/engine" "$work/secret/password"
kubectl kustomize config/kubernetes/cluster >"$work/built.yaml" || fail "kustomize refuses config/kubernetes/cluster"
sed 's/livenessProbe:/livenesProbe:/' "$work/built.yaml" >"$work/misspelled.yaml"
check_schemas "$work/built.yaml" config/kubernetes/cluster/{deployment,disruption,engine,networkpolicy,service}.yaml
"$python" -c 'import json, sys, yaml; json.dump(list(yaml.safe_load_all(sys.stdin)), sys.stdout)' <"$work/built.yaml" >"$work/objects.json"
check_agreement
check_running
echo "kubernetes-cluster: the manifests fit Kubernetes $(versions | paste -sd ' '), and grud"
