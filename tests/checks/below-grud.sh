#!/bin/sh
# below-grud.sh - grud below another program, such as valgrind or qemu-user, for tests whose $GRUD
# is a path: $BELOW is that program with its options, and exec keeps the process id.
exec $BELOW "$BELOW_BUILD/grud" "$@"
