#!/bin/sh
# Makes a Python environment with the peers of bench_peers.py and bench_train_peers.py. One that
# cannot be installed is left out, and the benchmarks say so; only numpy must be there.
#
# Usage: peers.sh DIRECTORY
set -eu
directory=$1
test -x "$directory/bin/python" || python3 -m venv "$directory"
install() {
    "$directory/bin/pip" install --quiet "$@" 2>"$directory/log"
}
install numpy onnx onnxruntime openvino 'jax[cpu]' && exit
install numpy || {
    cat "$directory/log" >&2
    exit 1
}
for package in onnx onnxruntime openvino 'jax[cpu]'; do
    install "$package" || echo "SKIPPED $package cannot be installed: $(tail -n 1 "$directory/log")"
done
