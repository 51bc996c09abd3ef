#!/bin/sh
# run.sh HOST_BUILD ARM64_BUILD LAYER... - arm64's build below qemu-user: the tests of the layers, as many files at a time as there
# are processors; the inputs that fuzzing has kept; and the daemon, which must answer as this machine's build does.
# (qemu-user keeps the memory order of the machine that it runs on: below x86-64 a fence that is missing stays unseen.)
set -eu
HOST_BUILD=$1
BELOW_BUILD=$2
shift 2
BELOW="qemu-aarch64-static -L $(realpath "$BELOW_BUILD/sysroot")"
export HOST_BUILD BELOW_BUILD BELOW
unset GRU_URL OPENBLAS_CORETYPE
mkdir -p "$BELOW_BUILD/logs"

for layer in "$@"; do
    (cd tests && printf '%s\n' "$layer"/test_*.c)
done | xargs -P "$(nproc)" -n 1 tests/arm64/suite.sh

for program in "$BELOW_BUILD"/tests/fuzz-*; do
    target=${program##*/fuzz-}
    case $target in
    *.*) continue ;; # its dependencies
    esac
    $BELOW "$program" "tests/fuzz/corpus/$target" "tests/fuzz/findings/$target"
done

# ---- the daemon ----
work=$(mktemp -d)
pids=
finish() {
    for pid in $pids; do
        kill "$pid" 2>/dev/null || true
    done
    wait
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

# start NAME PROGRAM...: a grud of its own, at the port in $work/NAME.port.
start() {
    name=$1
    shift
    "$@" --listen 127.0.0.1:0 --port-file "$work/$name.port" --models "$work/models" --data "$work/$name" 2>"$work/$name.log" &
    pids="$pids $!"
    tries=0
    until [ -s "$work/$name.port" ]; do
        tries=$((tries + 1))
        if [ "$tries" = 600 ] || ! kill -0 $! 2>/dev/null; then
            cat "$work/$name.log" >&2
            echo "arm64: $name's grud did not become ready" >&2
            exit 1
        fi
        sleep 0.1
    done
}

# ask NAME: a step's answer.
ask() {
    curl -sS --fail --noproxy '*' --max-time 60 -H 'content-type: application/json' --data-binary "@$work/step" \
        "http://127.0.0.1:$(cat "$work/$1.port")/v1/models/torch-stacked/sessions/a/step"
}

# same NAME: what both said, in the files host.NAME and arm64.NAME.
same() {
    cmp "$work/host.$1" "$work/arm64.$1" || {
        echo "arm64: the answers of $1 differ" >&2
        exit 1
    }
}

golden=tests/fixtures/golden/torch-stacked
mkdir "$work/models"
cp "$golden.safetensors" "$work/models/"
jq -c '{ x: .x[0] }' "$golden.json" >"$work/step"
for name in host arm64; do
    below=
    build=$HOST_BUILD
    if [ "$name" = arm64 ]; then
        below=$BELOW
        build=$BELOW_BUILD
    fi
    $below "$build/grud" --version | cut -d' ' -f1-2 >"$work/$name.version"
    $below "$build/grud" inspect "$golden.safetensors" >"$work/$name.inspect"
    start "$name" $below "$build/grud"
    ask "$name" >"$work/$name.step"
done
same version
same inspect
# float32's own error, as the golden answers allow it
jq -n -e --slurpfile host "$work/host.step" --slurpfile arm64 "$work/arm64.step" \
    '[$host[0].y, $arm64[0].y] | (.[0] | length) > 0 and (map(length) | .[0] == .[1]) and
     (transpose | all((.[0] - .[1]) | fabs <= 1e-5))' >/dev/null || {
    echo "arm64: the steps' answers differ:" >&2
    cat "$work/host.step" "$work/arm64.step" >&2
    exit 1
}
for pid in $pids; do
    kill "$pid"
    wait "$pid" # and fails unless it ended with 0
done
pids=
echo "arm64: grud answers as this machine's does: version, inspect, a step"
