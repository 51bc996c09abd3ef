#!/bin/sh
# packages_test.sh: mk/packages.sh shows what it does while it lasts, and says in a sentence what root
# is to do where it may not do it itself. The programs that it calls are stand-ins.
set -u
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

# stand_in NAME <SCRIPT
stand_in() {
    { echo '#!/bin/sh' && cat; } >"$work/bin/$1"
    chmod 755 "$work/bin/$1"
}

# begin UID: a machine of its own, without sudo, where the package `here` is installed.
begin() {
    rm -rf "${work:?}/bin"
    mkdir "$work/bin"
    for program in sh cat rm sed env mktemp; do ln -s "$(command -v $program)" "$work/bin/$program"; done
    echo "echo $1" | stand_in id
    echo '[ "$2" = here ]' | stand_in dpkg
    stand_in apt-get <<'END'
case $* in
*update*) echo 'Get:1 http://deb.debian.org/debian bookworm InRelease [151 kB]' ;;
*absent*) echo 'E: Unable to locate package absent' >&2 && exit 100 ;;
*) echo 'Reading package lists...
Get:1 http://deb.debian.org/debian bookworm/main amd64 jq amd64 1.6-2.1 [64.9 kB]
Unpacking jq (1.6-2.1) ...
Setting up jq (1.6-2.1) ...' ;;
esac
END
}

# expect CODE OUTPUT PACKAGE...: a `*` in the output stands for anything.
expect() {
    code=$1
    output=$2
    shift 2
    got=$(PATH=$work/bin mk/packages.sh "$@" 2>&1)
    got_code=$?
    # shellcheck disable=SC2254 # a pattern
    case $got in
    $output) [ "$got_code" != "$code" ] || return 0 ;;
    esac
    echo "packages_test: $*: ended with $got_code, not $code, and said: $got" >&2
    bad=1
}

by_hand='As root:  apt-get update && apt-get install --no-install-recommends'
begin 0
expect 0 '' here
expect 0 'installing: jq
  GET  bookworm [[]151 kB]
  GET  jq [[]64.9 kB]
  UNP  jq
  SET  jq' here jq
expect 1 "*
E: Unable to locate package absent
packages: apt-get could not install what is missing. $by_hand absent" absent
begin 1000
expect 0 '' here
expect 1 "packages: it takes root to install packages, and there is no sudo. $by_hand jq" jq
echo 'echo "sudo: Permission denied" >&2; exit 1' | stand_in sudo
expect 1 "*
packages: it takes root to install packages, and sudo refuses 1000. $by_hand jq" jq
chmod 644 "$work/bin/sudo"
expect 1 "*packages: it takes root to install packages, and *sudo*. $by_hand jq" jq
echo '[ "$1" = -v ] || exec "$@"' | stand_in sudo
expect 0 'installing: jq*SET  jq' jq
rm "$work/bin/apt-get"
expect 1 'packages: there is no apt-get here, so please install what is called on Debian: jq' here jq
[ $bad = 1 ] || echo "packages: each is shown as it comes; root is told what to do"
exit $bad
