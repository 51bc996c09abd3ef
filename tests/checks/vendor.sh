#!/bin/sh
# vendor.sh: fails unless the page's files from elsewhere are, byte for byte, those whose digests
# were written down, each of them, with their licence.
set -eu
cd "$(dirname "$0")/../../server/page/vendor"
sha256sum --check --strict --quiet SHA256SUMS
for file in LICENSE *.js; do
    grep -q "  $file\$" SHA256SUMS || { echo "vendor: $file has no digest in SHA256SUMS" >&2 && exit 1; }
done
