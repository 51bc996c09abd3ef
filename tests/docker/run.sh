#!/bin/bash
# run.sh: every test of the image $IMAGE, beside the daemon $GRUD built on the host. The last line says what passed.
set -euo pipefail
cd "$(dirname "$0")/../.."
unset GRU_URL OPENBLAS_CORETYPE "${!GRUD_@}"
n_passed=0
n_broken=0
for test in tests/docker/test_*.sh; do
    echo "-- ${test##*/}"
    if bash "$test"; then n_passed=$((n_passed + 1)); else n_broken=$((n_broken + 1)); fi
done
echo "docker: $n_passed passed, $n_broken failed"
[ "$n_broken" -eq 0 ]
