#!/bin/sh
# run.sh: runs train_and_serve.py against a grud of its own ($GRUD, or build/grud), and checks what
# it prints. SKIPPED where no Python imports PyTorch ($PYTHON names one); safetensors is fetched into
# build/pytorch if it is not there.
set -eu
cd "$(dirname "$0")/../.."
grud=$(realpath "${GRUD:-build/grud}")
for python in "${PYTHON:-python3}" /usr/bin/python3 ''; do
    [ -z "$python" ] || ! "$python" -c 'import torch' 2>/dev/null || break
done
if [ -z "$python" ]; then
    echo "PyTorch example: SKIPPED, no Python imports torch (make pytorch-example installs Debian's)"
    exit 0
fi
if ! "$python" -c 'import safetensors.torch' 2>/dev/null; then
    if ! "$python" -m venv --system-site-packages build/pytorch ||
        ! build/pytorch/bin/pip install -q --disable-pip-version-check safetensors==0.4.5; then
        echo "PyTorch example: SKIPPED, pip cannot get safetensors"
        exit 0
    fi
    python=$PWD/build/pytorch/bin/python
fi
work=$(mktemp -d)
"$grud" --data "$work/data" --listen 127.0.0.1:0 --port-file "$work/port" 2>"$work/log" &
pid=$!
trap 'kill $pid; wait $pid; rm -rf "$work"' EXIT
while [ ! -e "$work/port" ]; do
    kill -0 $pid || { cat "$work/log" >&2 && exit 1; }
    sleep 0.1
done
tree=$PWD
export PYTHONPATH="$tree/clients/python"
script=$tree/examples/pytorch/train_and_serve.py
cd "$work"
"$python" "$script" "http://127.0.0.1:$(cat port)" | tee told
awk '/^version/ { d = $4 - $6; is_same = d < 0.001 && d > -0.001 }
     /^fine-tuned: succeeded/ { is_tuned = 1 }
     END { exit !(is_same && is_tuned) }' told
# The pages' code for models of PyTorch and Keras.
for page in docs/GETTING_STARTED.md docs/MODELS.md; do
    GRUD=$grud "$python" "$tree/tests/checks/page_commands.py" $page python
done
