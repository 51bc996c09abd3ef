#!/bin/sh
# getting_started.sh URL: runs the commands of docs/GETTING_STARTED.md as they stand there, up to
# those for a model of one's own, against the grud at URL. It serves the demo model, and records.
# Fails if one is answered otherwise than the page says.
set -eu
url=$1
repository=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
ln -s "$repository/examples" examples

# The status of each answer goes to a file, since the bodies go where the page has them go.
curl() {
    command curl -sS --noproxy '*' -w '%{stderr}%{http_code}\n' "$@" 2>>codes
}

# What the demo's feeder has recorded by then.
i=0
while [ $i -lt 200 ]; do
    echo "{\"session\":\"host\",\"x\":[$((i % 100)),40,0.5,1000,$((i * 37 % 501))]}"
    i=$((i + 1))
done >readings
curl "$url/v1/models/host-load/steps" -H 'content-type: application/x-ndjson' \
    --data-binary @readings >answers

awk '/^## A model of your own/ { exit }
     /^```/ { is_command = $0 == "```sh"; next }
     is_command && !/^#>/' "$repository/docs/GETTING_STARTED.md" |
    sed "s|http://127.0.0.1:8080|$url|g" >commands
# shellcheck source=/dev/null
. ./commands >output

fail() {
    echo "docs/GETTING_STARTED.md: $1" >&2
    grep -o '{"error":{"code"[^}]*}}' output >&2
    exit 1
}
[ "$(wc -l <codes)" -ge 22 ] || fail "there are fewer commands than there were"
[ "$(grep -v '^2..$' codes)" = 400 ] || fail "something but the one error was refused"
grep -q '"code":"invalid_type"' output || fail "the error is another one"
grep -q '"object":"fine_tuning.job",.*"status":"succeeded"' output || fail "the job did not succeed"
