# Completion of grud for bash: printed by `grud completion bash`.
_grud() {
    local kind word typed=${COMP_WORDS[COMP_CWORD]}
    [ "$typed" != = ] || typed=
    COMPREPLY=()
    while IFS=$'\t' read -r word _; do
        if [ -z "$kind" ]; then kind=$word; else COMPREPLY+=("$word"); fi
    done < <("$1" completion --line "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    case $kind in
    files) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- "$typed") ;;
    folders) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- "$typed") ;;
    esac
} 2>/dev/null
complete -F _grud grud
