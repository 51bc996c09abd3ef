#!/usr/bin/env python3
"""bench_rules.py [N]: what 1 000 rules add to a step of one of 100 000 sessions, in instructions in
user space, counted by valgrind's callgrind. Each server answers N steps in one run and 2 N in another; the difference over
N leaves out the start, and only the thread that served them counts. The daemon is $GRUD."""

import glob
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from typing import Any, Dict, List

GRUD = os.environ.get("GRUD", "build/grud")
RULES, SESSIONS, STEPPED, AT_ONCE = 1000, 100_000, 50, 1000
LEVEL = {"level": 0.9}


class Server:
    """One that is ended with SIGTERM, below `on`."""

    def __init__(self, work: str, data: str, on: List[str]) -> None:
        port = f"{work}/port"
        if os.path.exists(port):
            os.unlink(port)
        self.process = subprocess.Popen(on + [
            GRUD, "--listen", "127.0.0.1:0", "--port-file", port, "--workers", "1",
            "--models", f"{work}/models", "--data", data, "--log-level", "error"])
        while not os.path.exists(port):
            time.sleep(0.05)
        with open(port, encoding="ascii") as file:
            self.client = http.client.HTTPConnection("127.0.0.1", int(file.read()))

    def ask(self, method: str, path: str, body: Dict[str, Any]) -> None:
        """Its answer must be one of success."""
        self.client.request(method, "/v1/models/m/" + path, json.dumps(body),
                            {"content-type": "application/json"})
        answer = self.client.getresponse()
        text = answer.read()
        assert answer.status < 300, text

    def end(self) -> None:
        """Waits for its end."""
        self.client.close()
        self.process.terminate()
        assert self.process.wait() == 0


def instructions(work: str, data: str, n: int, fields: Dict[str, Any]) -> List[int]:
    """Of each thread, for n steps."""
    for old in glob.glob(f"{work}/counts*"):
        os.unlink(old)
    server = Server(work, data, ["valgrind", "--quiet", "--tool=callgrind",
                                 "--separate-threads=yes",
                                 f"--callgrind-out-file={work}/counts"])
    for k in range(n):
        server.ask("POST", f"sessions/pump-{k % STEPPED * (SESSIONS // STEPPED)}/step",
                   {"x": [k % 7 * 0.5, 0.25], **fields})
    server.end()
    counts = []
    for name in sorted(glob.glob(f"{work}/counts-*")):
        with open(name, encoding="utf-8") as file:
            counts += [int(line.split()[1]) for line in file if line.startswith("totals:")]
    return counts


def make_sessions(server: Server) -> None:
    """All of them, a step each."""
    for first in range(0, SESSIONS, AT_ONCE):
        server.ask("POST", "steps", {"steps": [{"session": f"pump-{k}", "x": [0.5, 0.25]}
                                               for k in range(first, first + AT_ONCE)]})


def measure(work: str, prefix: str, fields: Dict[str, Any], n: int) -> float:
    """Instructions a step, with rules of prefixes that begin so; "": without rules."""
    folders = [tempfile.mkdtemp(dir=work) for _ in range(2)]
    for folder in folders:
        server = Server(work, folder, [])
        for k in range(RULES if prefix else 0):
            server.ask("PUT", f"rules/r{k}", {"coverage": True, "below": 0.01,
                                              "url": "https://example.org/",
                                              "prefix": f"{prefix}{k}"})
        make_sessions(server)
        server.end()
    once, twice = (instructions(work, folder, n * times, fields)
                   for folder, times in zip(folders, (1, 2)))
    return max(b - a for a, b in zip(once, twice)) / n


def main() -> None:
    """Prints a line for each kind of step, with its ratio to the one without rules."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    with tempfile.TemporaryDirectory() as work:
        os.mkdir(f"{work}/models")
        subprocess.run([GRUD, "init", "--inputs", "a,b", "--outputs", "a", "--layers", "64", "-o",
                        f"{work}/models/m.safetensors"], check=True, stdout=subprocess.DEVNULL)
        for words, fields in ("a step", {}), ("a step with a level", LEVEL):
            plain = measure(work, "", fields, n)
            print(f"{words}: {plain:.0f}", flush=True)
            for what, prefix in ("of other sessions", "valve-"), ("one of them its own", "pump-"):
                with_rules = measure(work, prefix, fields, n)
                print(f"{words}, 1 000 rules, {what}: {with_rules:.0f}, {with_rules / plain:.3f}",
                      flush=True)


if __name__ == "__main__":
    main()
