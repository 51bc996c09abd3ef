#include "commands/completion_scripts.h"

static const char bash[] =
    "# Completion of grud for bash: printed by `grud completion bash`.\n"
    "_grud() {\n"
    "    local kind word typed=${COMP_WORDS[COMP_CWORD]}\n"
    "    [ \"$typed\" != = ] || typed=\n"
    "    COMPREPLY=()\n"
    "    while IFS=$'\\t' read -r word _; do\n"
    "        if [ -z \"$kind\" ]; then kind=$word; else COMPREPLY+=(\"$word\"); fi\n"
    "    done < <(\"$1\" completion --line \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "    case $kind in\n"
    "    files) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -f -- \"$typed\") ;;\n"
    "    folders) compopt -o filenames && mapfile -t COMPREPLY < <(compgen -d -- \"$typed\") ;;\n"
    "    esac\n"
    "} 2>/dev/null\n"
    "complete -F _grud grud\n";

static const char zsh[] =
    "#compdef grud\n"
    "# Completion of grud for zsh: printed by `grud completion zsh`.\n"
    "_grud() {\n"
    "    local -a lines\n"
    "    lines=(\"${(@f)$(\"$words[1]\" completion --line \"${(@)words[2,CURRENT]}\" "
    "2>/dev/null)}\")\n"
    "    compset -P '--[^=]##='\n"
    "    case $lines[1] in\n"
    "    files) _files ;;\n"
    "    folders) _files -/ ;;\n"
    "    *)\n"
    "        shift lines\n"
    "        lines=(\"${(@)lines//:/\\\\:}\")\n"
    "        lines=(\"${(@)lines/$'\\t'/:}\")\n"
    "        _describe grud lines\n"
    "        ;;\n"
    "    esac\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _grud ]; then _grud \"$@\"; else compdef _grud grud; fi\n";

static const char fish[] =
    "# Completion of grud for fish: printed by `grud completion fish`.\n"
    "function __grud_complete\n"
    "    set -l typed (commandline -ct)\n"
    "    set -l words (commandline -opc)\n"
    "    set -l lines ($words[1] completion --line $words[2..] \"$typed\" 2>/dev/null)\n"
    "    set -l flag (string match -r -- '^--[^=]+=' \"$typed\")\n"
    "    set -l value (string replace -- \"$flag\" '' \"$typed\")\n"
    "    switch \"$lines[1]\"\n"
    "        case files\n"
    "            set lines (__fish_complete_path \"$value\")\n"
    "        case folders\n"
    "            set lines (__fish_complete_directories \"$value\" '')\n"
    "        case '*'\n"
    "            set -e lines[1]\n"
    "    end\n"
    "    for line in $lines\n"
    "        printf '%s\\n' \"$flag$line\"\n"
    "    end\n"
    "end\n"
    "complete -c grud -f -a '(__grud_complete)'\n";

const struct completion_script completion_scripts[COMPLETION_N_SCRIPTS] = {
    { "bash", "config/completion/grud.bash", bash },
    { "zsh", "config/completion/_grud", zsh },
    { "fish", "config/completion/grud.fish", fish },
};
