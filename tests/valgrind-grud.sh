#!/bin/sh
# valgrind-grud.sh - grud under valgrind, for tests whose $GRUD is a path: valgrind.sh says how, and exec keeps the process id.
exec $VALGRIND "$VALGRIND_BUILD/grud" "$@"
