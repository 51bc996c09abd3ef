# kubernetes-schemas.sh - what the checks of manifests share; to be read by them (`.`), with their name in $name and a folder
# of their own in $work. Manifests are checked strictly against the schemas of every version of Kubernetes that the Python package
# kubernetes-validate holds. Tools go to build/kubernetes.
# shellcheck shell=bash disable=SC2154 # $name and $work come from there
tools=$PWD/build/kubernetes
schemas=$tools/schemas
python=$tools/venv/bin/python
kubeconform=$tools/kubeconform-v0.8.0/kubeconform
package=kubernetes-validate==1.37.0

skip() {
    echo "$name: SKIPPED, $*"
    exit 0
}

fail() {
    echo "$name: $*" >&2
    exit 1
}

# agree COMPLAINT FILTER: unless the filter says true of the objects (the check's own `ask`), the complaint.
agree() {
    ask "$2" >/dev/null || fail "$1"
}

# The schemas refer to each other by addresses that only the package's own program resolves; for
# kubeconform they become relative.
install_schemas() {
    [ -e "$schemas/$package" ] && return
    rm -rf "$schemas" "$tools/venv"
    mkdir -p "$schemas" &&
        python3 -m venv "$tools/venv" >&2 &&
        "$python" -m pip install --quiet --disable-pip-version-check "$package" >&2 &&
        cp -r "$tools"/venv/lib/python3*/site-packages/kubernetes_validate/kubernetes-json-schema/*-strict "$schemas" &&
        find "$schemas" -name '*.json' -exec sed -i 's|"$id": |"$comment": |; s|"/api/_definitions.json#|"_definitions.json#|' {} + &&
        touch "$schemas/$package"
}

install_kubeconform() {
    local folder=${kubeconform%/*}
    [ -x "$kubeconform" ] && return
    command -v go >/dev/null && GOBIN=$folder go install "github.com/yannh/kubeconform/cmd/kubeconform@${folder##*-}" >&2
}

versions() {
    find "$schemas" -name '*-local-strict' -printf '%f\n' | sed 's/^v\(.*\)-local-strict/\1/' | sort -V
}

# validate VERSION FILE...: by kubeconform, or, where that cannot be built, by the package's own
# program.
validate() {
    local version=$1
    shift
    if [ -x "$kubeconform" ]; then
        "$kubeconform" -strict -kubernetes-version "$version" \
            -schema-location "$schemas/{{.NormalizedKubernetesVersion}}-local{{.StrictSuffix}}/{{.ResourceKind}}{{.KindSuffix}}.json" "$@"
    else
        "$tools/venv/bin/kubernetes-validate" --strict --quiet --kubernetes-version "$version" "$@"
    fi
}

install_tools() {
    command -v kubectl >/dev/null || skip "there is no kubectl"
    install_schemas || skip "$package cannot be installed"
    install_kubeconform || echo "$name: kubeconform cannot be built here; the schemas are checked by kubernetes-validate"
}

check_schemas() {
    local version
    for version in $(versions); do
        validate "$version" "$@" || fail "Kubernetes $version refuses this"
        if validate "$version" "$work/misspelled.yaml" >/dev/null 2>&1; then
            fail "the schemas of Kubernetes $version accept a misspelled field"
        fi
    done
}

# lay_out FOLDER FILE...: the files, as the kubelet lays a Secret or ConfigMap out: links through
# ..data.
lay_out() {
    local folder=$1 file
    mkdir -p "$folder/..2026"
    cp -p "${@:2}" "$folder/..2026"
    ln -s ..2026 "$folder/..data"
    for file in "${@:2}"; do
        ln -s "..data/${file##*/}" "$folder/${file##*/}"
    done
}
