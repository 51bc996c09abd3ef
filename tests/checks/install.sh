#!/bin/sh
# install.sh BUILD: what `make install` puts there is what a user needs, and `make uninstall`
# removes it. A program is compiled as the installed pkg-config files say, with libgru and with
# libgru-infer (which must know nothing of OpenBLAS), and gives the answers of the golden models.
set -eu
build=$1
program=tests/install/predict.c
golden=tests/fixtures/golden
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
libraries=$root/usr/local/lib
export PKG_CONFIG_PATH="$libraries/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$root"

fail() {
    echo "install: $*" >&2
    exit 1
}

run_make() {
    make --no-print-directory BUILD="$build" DESTDIR="$root" "$@" >"$work/said" 2>&1 ||
        fail "$(cat "$work/said")"
}

# compile NAME LIBRARY [OPTION...]: $work/NAME, as the library's file says.
compile() {
    name=$1
    library=$2
    shift 2
    # shellcheck disable=SC2046 # options, one a word
    ${CC:-cc} -o "$work/$name" "$program" "$@" \
        $(pkg-config ${1:+--static} --cflags --libs "$library") ||
        fail "nothing links with $library $*"
}

# answers NAME: within 1e-5 what the golden files hold.
answers() {
    for file in "$golden"/*.json; do
        model=${file%.json}.safetensors
        case $model in
        "$golden"/train-*) continue ;;
        esac
        jq '.x[][]' "$file" | LD_LIBRARY_PATH=$libraries "$work/$1" "$model" >"$work/got" ||
            fail "$1 does not run $model"
        jq '.y[][]' "$file" | paste - "$work/got" | awk -v name="$1" -v model="$model" '
            function off(d) { return d > 1e-5 || d < -1e-5 }
            NF != 2 || off($1 - $2) { print name ": " model ": " $2 " and not " $1; exit 1 }' >&2 ||
            fail "$1 answers otherwise"
    done
}

run_make install
compile whole libgru
compile infer libgru-infer
compile infer-static libgru-infer -static
for name in whole infer infer-static; do
    answers $name
done
for file in "$work/infer" "$libraries/libgru-infer.so"; do
    ! LD_LIBRARY_PATH=$libraries ldd "$file" | grep -i blas || fail "$file needs OpenBLAS"
done

# code_of PAGE LANGUAGE
code_of() {
    awk -v begin="\`\`\`$2" '/^```/ { is_code = $0 == begin; next } is_code' "$1"
}

# run_page PAGE: its commands, as they stand there, in $work/example; what they print is in `told`.
run_page() {
    rm -rf "$work/example"
    mkdir "$work/example"
    ln -s "$PWD/examples" "$work/example/examples"
    code_of "$1" c >"$work/example/forecast.c"
    code_of "$1" sh | sed "s|^cc |${CC:-cc} |" >"$work/example/run"
    (cd "$work/example" && LD_LIBRARY_PATH=$libraries sh ./run >told) || fail "$1 does not run"
}

# As docs/LIBRARY.md says it.
library_page() {
    run_page docs/LIBRARY.md
    sed -n 's/^#> //p' docs/LIBRARY.md | diff - "$work/example/told" ||
        fail "docs/LIBRARY.md prints something else"
}
library_page

# As examples/libgru/README.md has it: the same forecast as the installed grud's.
example() {
    run_page examples/libgru/README.md
    { echo sunspot_number && tail -n 24 examples/sunspots/sunspots.csv | cut -d, -f2; } \
        >"$work/example/data.csv"
    sed -n 's/.* ahead: //p' "$work/example/told" >"$work/example/got"
    "$root/usr/local/bin/grud" predict "$work/example/out.safetensors" "$work/example/data.csv" \
        --horizon 3 | awk 'NR > 1 { print $3 }' | diff - "$work/example/got" ||
        fail "examples/libgru forecasts otherwise than grud predict"
    [ -s "$work/example/out.state" ] || fail "examples/libgru saves no state"
}
example

echo '# mine' >>"$root/etc/grud/grud.conf"
touch "$libraries/another"
run_make install
run_make uninstall
left=$(find "$root" ! -type d -printf '%P\n' | sort | paste -sd ' ')
[ "$left" = "etc/grud/grud.conf usr/local/lib/another" ] || fail "make uninstall leaves $left"
grep -q '^# mine$' "$root/etc/grud/grud.conf" || fail "make install changed the options"

# tells_linker N SETTING...: as this user, n of install and uninstall run ldconfig.
tells_linker() {
    n=$1
    shift
    for goal in install uninstall; do
        found=$(make -n --no-print-directory BUILD="$build" "$@" $goal | grep -c ' ldconfig$' || true)
        [ "$found" = "$n" ] || fail "make $goal $* runs ldconfig $found times, not $n"
    done
}
tells_linker 0 DESTDIR="$root"
tells_linker "$([ "$(id -u)" = 0 ] && echo 1 || echo 0)"
echo "install: programs of libgru and of libgru-infer give the golden answers;" \
    "examples/libgru and docs/LIBRARY.md run;" \
    "uninstall leaves only the options"
