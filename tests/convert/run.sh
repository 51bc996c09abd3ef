#!/usr/bin/env bash
# run.sh BUILD: the tests of grud-convert against the frameworks themselves. Debian's Python has
# PyTorch; what else is missing comes from PyPI, into a folder below BUILD. NumPy is of version 1,
# with which Debian's PyTorch was built.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "$1")
tools=$build/convert
versions='numpy==1.26.4 keras==3.15.1 jax==0.7.1 h5py==3.16.0 onnx==1.23.2 onnxruntime==1.32.0
    scikit-learn==1.9.1'

if [ "$(cat "$tools/versions" 2>/dev/null)" != "$versions" ]; then
    rm -rf "$tools"
    mkdir -p "$tools"
    # shellcheck disable=SC2086 # one word each
    if ! { /usr/bin/python3 -m venv --system-site-packages "$tools/venv" &&
        "$tools/venv/bin/pip" install --quiet --disable-pip-version-check $versions; } \
        >"$tools/log" 2>&1; then
        echo "-- grud-convert: SKIPPED, its frameworks cannot be installed: $(tail -1 "$tools/log")"
        exit 0
    fi
    echo "$versions" >"$tools/versions"
fi
python=$tools/venv/bin/python
rm -rf "$tools/source"
cp -r tools/convert "$tools/source" # building leaves files there
"$python" -m pip install --quiet --disable-pip-version-check "$tools/source" >"$tools/log" 2>&1 ||
    echo "-- grud-convert: the program's tests are SKIPPED, pip fails: $(tail -1 "$tools/log")"
"$python" -c 'import torch' 2>/dev/null ||
    echo "-- grud-convert: PyTorch's tests are SKIPPED, Debian's python3-torch is not there"
export GRUD=$build/grud KERAS_BACKEND=numpy PYTHONDONTWRITEBYTECODE=1
cd tests/convert
"$python" -W ignore -m unittest discover -t . -s .
