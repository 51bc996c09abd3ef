# Completion of grud for fish: printed by `grud completion fish`.
function __grud_complete
    set -l typed (commandline -ct)
    set -l words (commandline -opc)
    set -l lines ($words[1] completion --line $words[2..] "$typed" 2>/dev/null)
    set -l flag (string match -r -- '^--[^=]+=' "$typed")
    set -l value (string replace -- "$flag" '' "$typed")
    switch "$lines[1]"
        case files
            set lines (__fish_complete_path "$value")
        case folders
            set lines (__fish_complete_directories "$value" '')
        case '*'
            set -e lines[1]
    end
    for line in $lines
        printf '%s\n' "$flag$line"
    end
end
complete -c grud -f -a '(__grud_complete)'
