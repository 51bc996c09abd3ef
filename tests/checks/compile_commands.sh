#!/bin/sh
# compile_commands.sh: reads the commands that make would run, and writes those that compile one
# file as JSON: https://clang.llvm.org/docs/JSONCompilationDatabase.html
set -eu
directory=$PWD awk '
function quoted(text) {
    gsub(/[\\"]/, "\\\\&", text)
    return "\"" text "\""
}
/ -c [^ ]+\.c -o / {
    match($0, / -c [^ ]+/)
    file = substr($0, RSTART + 4, RLENGTH - 4)
    printf "%s\n  {\"directory\": %s, \"file\": %s, \"command\": %s}",
        n++ ? "," : "[", quoted(ENVIRON["directory"]), quoted(file), quoted($0)
}
END { print n ? "\n]" : "[]" }'
