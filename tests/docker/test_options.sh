#!/bin/bash
# The image is configured by GRUD_ variables and by files: keys and certificates as secrets, and the quota of processors.
set -euo pipefail
. tests/docker/common.sh

ready_line() { $docker logs "$name" 2>&1 | grep ' ready '; }
for quota in 0.5:1 1:1 1.5:2; do
    serve "cpus-${quota%:*}" --cpus "${quota%:*}"
    like "with ${quota%:*} processors it has ${quota#*:} worker(s)" "workers=${quota#*:} " "$(ready_line)"
done
serve workers --cpus 1 -e GRUD_WORKERS=3
like "GRUD_WORKERS wins over the quota" 'workers=3 ' "$(ready_line)"

serve small -e GRUD_SESSION_MAX=1 -e GRUD_LOG_FORMAT=json
step a '[1,2,3,4,5]' >/dev/null
like "GRUD_SESSION_MAX is taken" '"code":"sessions_full"' "$(step b '[1,2,3,4,5]')"
check "GRUD_LOG_FORMAT is taken: each line is JSON" jq -es 'length > 0' <($docker logs "$name" 2>&1)

# Secrets are files, owned by whoever made them and readable for the container's user.
mkdir "$work/secrets"
key=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
echo "$key read,predict" >"$work/secrets/keys"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -keyout "$work/secrets/key.pem" -out "$work/secrets/cert.pem" 2>/dev/null
chmod -R a+rX "$work/secrets"
run_of docs/DEPLOYING.md GRUD_API_KEYS secrets
await_healthy
port=$($docker port "$name" 8080/tcp | sed -n '1s/.*://p')
ask() { curl -s --cacert "$work/secrets/cert.pem" "$@" "https://localhost:$port/v1/models"; }
like "without a key nothing is told" '"code":"key_missing"' "$(ask)"
like "with the secret's key it is, over TLS" '"name":"host-load"' "$(ask -H "authorization: Bearer $key")"
is "plain HTTP is not spoken" 000 "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/v1/models" || true)"
new=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
echo "$new read" >"$work/secrets/keys"
$docker kill -s HUP "$name" >/dev/null
for _ in $(seq 100); do
    [[ $($docker logs "$name" 2>&1) == *reloaded* ]] && break
    sleep 0.1
done
like "a new key is taken on SIGHUP" '"name":"host-load"' "$(ask -H "authorization: Bearer $new")"
like "and the old one no more" '"code":"key_invalid"' "$(ask -H "authorization: Bearer $key")"

run moved -e GRUD_LISTEN=0.0.0.0:9090 --health-interval 1s
await_healthy
run six -e 'GRUD_LISTEN=[::]:8080' --health-interval 1s
await_healthy
finish
