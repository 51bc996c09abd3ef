#!/bin/sh
# flags_test.sh: CFLAGS, CPPFLAGS and LDFLAGS, given to make or in the environment, add to our own
# flags and come after them; and only with WERROR=1 is a warning an error.
set -eu
cd "$(dirname "$0")/../.."
unset MAKEFLAGS CFLAGS CPPFLAGS LDFLAGS WERROR
bad=0

# commands [SETTING...]: the two that compile and link the daemon.
commands() { make -nB V=1 "$@" build/grud | grep -E -- '-c server/main\.c |-o build/grud '; }

# has WHAT COMMANDS WORDS N: N of the commands have the words in this order.
has() {
    pattern=$(echo "$3" | sed 's/ /( .*)? /g')
    [ "$(echo "$2" | grep -cE -- " $pattern( |\$)")" = "$4" ] || {
        echo "flags_test: $1: not $4 times '$3' in: $2" >&2
        bad=1
    }
}

ours='-std=gnu17 -O2 -Wall -fstack-protector-strong -fvisibility=hidden -MMD -MP'
plain=$(commands)
has "without settings" "$plain" "$ours" 1
has "warnings are no errors" "$plain" -Werror 0
has "with WERROR=1 they are" "$(commands WERROR=1)" "-Wall -Werror" 1
# added HOW COMMANDS
added() {
    has "CFLAGS is compiled with ($1)" "$2" "$ours -O3 -c" 1
    has "CPPFLAGS is compiled with ($1)" "$2" "-D_GNU_SOURCE -DX" 1
    has "CFLAGS and LDFLAGS are linked with ($1)" "$2" \
        "-Wl,-z,relro,-z,now,-z,noexecstack -pie -O3 -s -o" 1
}
added "given to make" "$(commands CFLAGS=-O3 CPPFLAGS=-DX LDFLAGS=-s)"
export CFLAGS=-O3 CPPFLAGS=-DX LDFLAGS=-s
added "in the environment" "$(commands)"
exit $bad
