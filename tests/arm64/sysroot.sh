#!/bin/sh
# sysroot.sh FOLDER PACKAGE... - the files of Debian's packages for arm64, and of all that they depend on: to cross-compile
# against, and where qemu-user finds libraries. apt works below the folder, with this machine's sources and keys: nothing is
# installed, and what the machine knows of packages stays as it is.
set -eu
sysroot=$1
shift
if [ "$(cat "$sysroot/packages" 2>/dev/null)" = "$*" ]; then
    exit 0
fi
echo "unpacking for arm64: $*"
rm -rf "$sysroot"
mkdir -p "$sysroot/apt/lists/partial" "$sysroot/apt/cache/archives/partial"
sysroot=$(realpath "$sysroot")
: >"$sysroot/apt/status" # nothing is installed there
cat >"$sysroot/apt/conf" <<EOF
APT::Architecture "arm64";
#clear APT::Architectures;
APT::Architectures { "arm64"; };
APT::Sandbox::User "root";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Acquire::Languages "none";
Dir::State "$sysroot/apt";
Dir::State::status "$sysroot/apt/status";
Dir::Cache "$sysroot/apt/cache";
EOF
apt-get -c "$sysroot/apt/conf" -qq update
apt-get -c "$sysroot/apt/conf" -qq install --download-only --no-install-recommends "$@" >/dev/null
for archive in "$sysroot"/apt/cache/archives/*.deb; do
    dpkg-deb -x "$archive" "$sysroot"
done
rm -r "$sysroot/apt"
# what update-alternatives would link
for kind in include lib; do
    folder=$sysroot/usr/$kind/aarch64-linux-gnu
    for file in "$folder"/openblas-pthread/*.h "$folder"/openblas-pthread/libopenblas.so*; do
        [ ! -e "$file" ] || ln -s "openblas-pthread/${file##*/}" "$folder/"
    done
done
echo "$*" >"$sysroot/packages" # last: from here on it is whole
