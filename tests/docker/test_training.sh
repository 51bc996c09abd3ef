#!/bin/bash
# A fine-tuning job on what the sessions recorded, confined as the image is: it makes a version on the volume, which the next
# container serves.
set -euo pipefail
. tests/docker/common.sh

# A load that goes up and down, for two streams of 600 readings: step after step, each stream's in order.
readings() {
    awk 'BEGIN {
        for (k = 0; k < 600; k++) for (s = 1; s <= 2; s++)
            printf "{\"session\":\"s%d\",\"x\":[%.3f,40,%.3f,%d,0]}\n", s, 40 + 30 * sin(k / 7 + s), 1 + sin(k / 7 + s), 1e5 * (1 + sin(k / 5))
    }'
}

new_volume training
serve train -v "$volume:/data" -e GRUD_RECORD=1000
is "the readings are taken" 1200 "$(readings | curl -s "$url/$U/steps" -H 'content-type: application/x-ndjson' --data-binary @- | grep -c '"step"')"
id=$(curl -s "$url/v1/fine_tuning/jobs" -H "$json" \
    -d '{"model":"host-load","training":{"sessions_prefix":"s"},"hyperparameters":{"n_epochs":3},"promotion":{"policy":"manual"}}' | jq -r .id)
for _ in $(seq 600); do
    job=$(curl -s "$url/v1/fine_tuning/jobs/$id")
    [[ $(jq -r .status <<<"$job") =~ ^(succeeded|failed|cancelled)$ ]] && break
    sleep 0.1
done
is "the job succeeds" succeeded "$(jq -r .status <<<"$job")"
is "and nothing failed on the way" "" "$($docker logs "$name" 2>&1 | grep ' warn ' || true)"
is "version 2 is activated" 2 "$(curl -s -X POST "$url/$U/versions/2/activate" | jq .active_version)"
predict() { curl -s "$url/$U/predict" -H "$json" -d '{"x":[[10,40,0.5,1000,0],[20,40,0.6,1000,0]],"horizon":3}'; }
before=$(predict)
like "it predicts" '"version":2,' "$before"
$docker rm -f "$name" >/dev/null

serve trained -v "$volume:/data"
is "the next container predicts the same" "$before" "$(predict)"
is "it knows the job" succeeded "$(curl -s "$url/v1/fine_tuning/jobs/$id" | jq -r .status)"
finish
