#!/bin/sh
# hardening.sh BUILD: fails unless the daemon and the libraries were built so that a bug is hard to
# make use of. (Control-flow protection is looked for in our objects only: the linker drops the mark
# if the distribution's start files have none.)
set -u
build=$1
bad=0

# need WHAT FILE COMMAND...: the command must succeed.
need() {
    what=$1
    file=$2
    shift 2
    if ! "$@" >/dev/null; then
        echo "hardening: $file: $what" >&2
        bad=1
    fi
}

headers() { readelf -lW "$1"; }
has_relro() { headers "$1" | grep -q GNU_RELRO; }
binds_now() { readelf -dW "$1" | grep -qE 'BIND_NOW|FLAGS.*NOW'; }
has_no_code_in_stack() {
    headers "$1" | grep -q 'GNU_STACK.* RW  *0x' && ! headers "$1" | grep -q 'LOAD.* RWE '
}
is_position_independent() {
    readelf -hW "$1" | grep -q 'Type: *DYN' && readelf -dW "$1" | grep -q 'FLAGS_1.*PIE'
}
is_flow_protected() { readelf -nW "$1" | grep -q 'IBT, SHSTK'; }
has_symbol() { readelf -sW --dyn-syms "$1" | grep -qE " $2(@|\$)"; }

need "not position-independent" "$build/grud" is_position_independent "$build/grud"
for file in "$build/grud" "$build/libgru.so" "$build/libgru-infer.so"; do
    need "no RELRO" "$file" has_relro "$file"
    need "symbols are bound lazily" "$file" binds_now "$file"
    need "the stack, or what can be written, can be executed" "$file" has_no_code_in_stack "$file"
    need "no stack protector" "$file" has_symbol "$file" __stack_chk_fail
    need "no fortified calls" "$file" has_symbol "$file" '__[a-z]+_chk'
done
if readelf -hW "$build/grud" | grep -q 'Machine:.*X86-64'; then
    for file in "$build"/lib/*/*.o "$build"/lib/*/*/*.o "$build"/server/*.o "$build"/server/*/*.o \
        "$build"/server/*/*/*.o; do
        need "no control-flow protection" "$file" is_flow_protected "$file"
    done
fi
exit $bad
