#!/bin/sh
# Makes docs/running.svg: a terminal with a real `make run` in its upper pane, and a step with its
# forecast in its lower one. Needs tmux, curl and jq; nothing else may listen on 127.0.0.1:8080.
set -eu
cd "$(dirname "$0")/../.."
columns=124 upper_rows=13 lower_rows=5
base=http://127.0.0.1:8080
session=$base/v1/models/host-load/sessions/what-if
reading='{"cpu":12.5,"memory":41,"load":0.8,"network":54000,"disk":20480}'
socket=grud-picture-$$
text=$(mktemp)
data=$(mktemp -d) # a demo that nobody has seen before

terminal() {
    tmux -L "$socket" "$@"
}

stop() {
    terminal send-keys -t upper C-c && sleep 3
    terminal kill-server
    rm -rf "$text" "$data"
}

# open PANE ROWS: a shell with a bare prompt, on a terminal as wide as the picture. It has one row
# more than is shown, where the cursor is.
open() {
    terminal new-session -d -s "$1" -x $columns -y $(($2 + 1)) \
        "env DATA='$data' PS1='$ ' PS2='  ' bash --norc --noprofile"
    terminal set-option -t "$1" status off
    sleep 1
}

# enter PANE LINE
enter() {
    terminal send-keys -t "$1" -l -- "$2"
    terminal send-keys -t "$1" Enter
}

# shown PANE ROWS
shown() {
    terminal capture-pane -p -t "$1" | head -n "$2"
}

# full PANE ROWS: waits until something stands in each row.
full() {
    until [ -n "$(shown "$1" "$2" | sed -n "$2p")" ]; do sleep 0.2; done
}

# Commands are green, with the lines that they go on in; what was forecast is blue.
render() {
    awk -v columns=$columns -v rows=$((upper_rows + lower_rows)) '
        function escaped(line) {
            gsub(/&/, "\\&amp;", line)
            gsub(/</, "\\&lt;", line)
            gsub(/>/, "\\&gt;", line)
            return line
        }
        BEGIN {
            advance = 7.8; leading = 18; margin = 16
            width = columns * advance + 2 * margin
            height = (rows + 1) * leading + 2 * margin
            print "<svg xmlns=\"http://www.w3.org/2000/svg\" font-size=\"13\" fill=\"#d0d7de\""
            print "     font-family=\"ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace\""
            printf "     viewBox=\"0 0 %d %d\">\n", width, height
            print "<title>make run, and a step with its forecast</title>"
            printf "<rect width=\"%d\" height=\"%d\" rx=\"8\" fill=\"#0d1117\"/>\n", width, height
            y = margin + 13
        }
        /^----$/ {
            printf "<path d=\"M0 %dH%d\" stroke=\"#484f58\"/>\n", y - leading / 4, width
        }
        !/^----$/ && length($0) > 0 {
            n = length($0)
            line = escaped($0)
            if (/^[0-9][0-9]:/) gsub(/\([^)]*\)/, "<tspan fill=\"#79c0ff\">&</tspan>", line)
            is_command = /^\$ / || (is_command && goes_on)
            goes_on = /\\$/
            printf "<text x=\"%d\" y=\"%d\" textLength=\"%.1f\"", margin, y, n * advance
            colour = is_command ? " fill=\"#7ee787\"" : ""
            printf " xml:space=\"preserve\"%s>%s</text>\n", colour, line
        }
        { y += leading }
        END { print "</svg>" }' "$text"
}

make all >/dev/null
open upper $upper_rows
trap stop EXIT
open lower $lower_rows
enter upper 'make run'
until curl -sf "$base/readyz" >/dev/null; do sleep 0.2; done
enter lower "curl -s $session/step -H 'content-type: application/json' \\"
enter lower "-d '{\"x\":$reading,\"horizon\":3}' | jq -c '.forecast[]'"
full lower $lower_rows
full upper $upper_rows
{ shown upper $upper_rows && echo ---- && shown lower $lower_rows; } >"$text"
render >docs/running.svg
