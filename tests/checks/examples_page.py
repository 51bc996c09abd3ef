#!/usr/bin/env python3
"""examples_page.py: the examples of docs/EXAMPLES.md run as they stand there, in each language
against a fresh grud ($GRUD). Fails if one fails, or does not print a line that the page says it
prints (#> or //>; … stands for anything). A section whose routes this grud does not have is
skipped, and so is a language that is not installed."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
PAGE = TREE / "docs" / "EXAMPLES.md"
GRUD = Path(os.environ.get("GRUD", TREE / "build" / "grud")).absolute()
SECONDS = 120
SHELL = f"set -eu\ngrud() {{ '{GRUD}' \"$@\"; }}\n"
# awk ends the last line of a reply, which is JSON and does not.
SHELL += """curl() {
    { command curl --fail-with-body --noproxy '*' "$@" || touch failed; } | awk 1
    [ ! -e failed ]
}
"""
# How a program of each language is called, what it begins with, and what it needs.
LANGUAGES = {
    "sh": (["sh"], "run.sh", SHELL, ["curl", "jq"]),
    "python": ([sys.executable], "run.py", "", []),
    "js": (["node"], "run.mjs", "", ["node"]),
}
# A section that needs a route that may not be there.
NEEDS = {"Look back": "/{session}/readings", "Follow live": "/{session}/events"}


def sections(language):
    """(heading, code, expected lines) of the sections that have code of that language."""
    for part in re.split(r"^## ", PAGE.read_text(), flags=re.M)[1:]:
        heading, text = part.split("\n", 1)
        blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, re.S | re.M)
        if len(blocks) != 1:
            raise AssertionError(f"'{heading}' has {len(blocks)} blocks of {language}")
        code = re.sub(r"^(#|//)> .*\n", "", blocks[0], flags=re.M)
        yield heading, code, re.findall(r"^(?:#|//)> (.*)$", blocks[0], re.M)


def check_printed(language, heading, expected, printed):
    lines = iter(printed.splitlines())
    for line in expected:
        pattern = ".*".join(map(re.escape, line.split("…")))
        if not any(re.fullmatch(pattern, candidate) for candidate in lines):
            raise AssertionError(f"{language}, '{heading}': {line!r} is not printed, but:\n{printed}")


def mark(language, heading):
    """A statement that prints the heading, to tell what the sections print."""
    text = json.dumps(f"== {heading}", ensure_ascii=False)
    return {"sh": f"echo {text}", "python": f"print({text})",
            "js": f"console.log({text});"}[language] + "\n"


def run(language, folder, url):
    command, name, head, _ = LANGUAGES[language]
    with urllib.request.urlopen(url + "/v1") as reply:
        paths = [route["path"] for route in json.load(reply)["routes"]]
    code, wanted = head, {}
    for heading, text, expected in sections(language):
        end = NEEDS.get(heading)
        if end and not any(path.endswith(end) for path in paths):
            print(f"examples, {language}: '{heading}' SKIPPED, this grud has no …{end}")
            continue
        code += mark(language, heading) + text
        wanted[heading] = expected
    (folder / name).write_text(code.replace("http://127.0.0.1:8080", url))
    done = subprocess.run([*command, name], cwd=folder, capture_output=True, text=True,
                          timeout=SECONDS, check=False,
                          env={**os.environ, "PYTHONPATH": str(TREE / "clients" / "python")})
    if done.returncode != 0:
        raise AssertionError(f"{language} ends with {done.returncode}:\n{done.stdout}{done.stderr}")
    parts = dict(part.split("\n", 1) for part in re.split(r"^== ", done.stdout, flags=re.M)[1:])
    for heading, expected in wanted.items():
        check_printed(language, heading, expected, parts[heading])
    print(f"examples, {language}: {len(wanted)} sections run")


def serve(folder):
    port_file = folder / "port"
    log = open(folder / "log", "wb")
    process = subprocess.Popen(
        [GRUD, "--models", "examples/sunspots", "--data", "data", "--record", "1000",
         "--listen", "127.0.0.1:0", "--port-file", port_file], cwd=folder, stdout=log, stderr=log,
        env={**os.environ, "GRUD_QUEUE_MS": "60000"})
    end = time.monotonic() + SECONDS
    while not port_file.exists():
        if process.poll() is not None or time.monotonic() > end:
            raise AssertionError("grud is not ready: " + (folder / "log").read_text())
        time.sleep(0.01)
    return process, f"http://127.0.0.1:{port_file.read_text().strip()}"


def main():
    for language, (_, _, _, needed) in LANGUAGES.items():
        missing = [name for name in needed if not shutil.which(name)]
        if missing:
            print(f"examples, {language}: SKIPPED, there is no {missing[0]}")
            continue
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "examples").symlink_to(TREE / "examples")
            (folder / "node_modules").mkdir()
            (folder / "node_modules" / "grud").symlink_to(TREE / "clients" / "js")
            process, url = serve(folder)
            try:
                run(language, folder, url)
            finally:
                process.terminate()
                process.wait()


if __name__ == "__main__":
    main()
