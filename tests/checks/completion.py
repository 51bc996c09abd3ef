#!/usr/bin/env python3
"""completion.py: command lines of grud are completed in bash, zsh and fish, as someone who types
has it: on a terminal, with Tab. `grud` is $GRUD where the shell asks it, and else tells what it was
called with. A shell that is not installed is skipped."""

import os
import pty
import select
import shutil
import signal
import sys
import tempfile
import time

SECONDS = 60
TELLER = """#!/bin/sh
case "$1 $2" in completion\ --line | completion\ *sh) [ -t 1 ] || exec "$REAL_GRUD" "$@" ;; esac
printf 'TOLD'; printf '[%s]' "$@"; echo
"""
# The shell, how it is started, and what it is told first.
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'eval "$(grud completion bash)"'),
    "zsh": (["zsh", "-f", "-i"],
            'autoload -U compinit; compinit -D -u; eval "$(grud completion zsh)"'),
    "fish": (["fish", "--no-config", "-i"], "grud completion fish | source"),
}
# What is typed, \t being Tab, and the arguments that come of it.
LINES = [
    ("grud trai\t", "[train]"),
    ("grud train --opt\tadamw", "[train][--optimizer][adamw]"),
    ("grud train --reset b\t", "[train][--reset][before]"),
    ("grud train --reset=b\t", "[train][--reset=before]"),
    ("grud predict mod\t rea\t", "[predict][model.safetensors][readings.csv]"),
    ("grud --session-fu\tev\t", "[--session-full][evict]"),
    ("grud --data da\there", "[--data][data/here]"),
    ("grud completion z\t", "[completion][zsh]"),
]


class Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, command, folder):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, {
                "PATH": f"{folder}/bin:/usr/bin:/bin", "HOME": folder, "TERM": "dumb",
                "LC_ALL": "C", "REAL_GRUD": GRUD})
        self.text = ""

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def wait_for(self, words):
        end = time.monotonic() + SECONDS
        while words not in self.text:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"{words!r} has not come, but {self.text!r}")
            self.text += os.read(self.fd, 65536).decode(errors="replace")
        self.text = self.text[self.text.index(words) + len(words):]

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


def check(shell, folder):
    command, first = SHELLS[shell]
    terminal = Terminal(command, folder)
    try:
        terminal.type(first + "; grud ready\r")
        terminal.wait_for("TOLD[ready]")
        for line, arguments in LINES:
            terminal.type(line + "\r")
            terminal.wait_for("TOLD" + arguments)
    finally:
        terminal.end()


def main():
    with tempfile.TemporaryDirectory() as folder:
        for name in ("bin", "data"):
            os.mkdir(f"{folder}/{name}")
        for name in ("model.safetensors", "readings.csv"):
            open(f"{folder}/{name}", "w").close()
        with open(f"{folder}/bin/grud", "w") as file:
            file.write(TELLER)
        os.chmod(f"{folder}/bin/grud", 0o755)
        for shell in SHELLS:
            if shutil.which(shell):
                check(shell, folder)
                print(f"completion: {shell} completes {len(LINES)} command lines")
            else:
                print(f"completion: SKIPPED, there is no {shell}")


GRUD = os.path.abspath(os.environ.get("GRUD", "build/grud"))
if __name__ == "__main__":
    sys.exit(main())
