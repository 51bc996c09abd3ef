"""The processes of a cluster on 127.0.0.1: the engine, nodes, HAProxy. Each has a log in the
test's folder, is started again on the port that it had, and is ended by its own id."""
import os
import pathlib
import signal
import socket
import subprocess
import time
from typing import List, Optional, Sequence

TREE = pathlib.Path(__file__).resolve().parents[2]
GRUD = os.path.abspath(os.environ.get("GRUD", TREE / "build" / "grud"))
MODEL = "chaos"
WAIT_SECONDS = 60  # what waits has a minute
# Nodes keep so many readings of a session that a new version begins with all of them: its answer to
# a step is the same, whenever the session came to it.
MOST_STEPS, HISTORY = 120, 128
HEALTH = ("    option httpchk GET /healthz\n"
          "    default-server check inter 300ms fall 2 rise 1 on-marked-down shutdown-sessions\n")


class Trouble(Exception):
    """The test cannot go on."""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Process:
    """A program that is killed, held and started again."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self.folder, self.name, self.port = folder, name, free_port()
        self.process: Optional[subprocess.Popen] = None

    def command(self) -> List[str]:
        raise NotImplementedError

    def start(self) -> None:
        with open(self.folder / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(self.command(), cwd=self.folder, stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL)

    def signal(self, number: int) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait()
        self.process = None

    def stop(self) -> None:
        """As an operator does; what a sanitizer has to say is in the log then."""
        self.signal(signal.SIGTERM)
        code = self.process.wait() if self.process else 0
        self.process = None
        if code != 0:
            raise Trouble(f"{self.name} ended with {code}: see {self.folder / self.name}.log")

    def hold(self) -> None:
        self.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self.signal(signal.SIGCONT)

    def check(self) -> None:
        """One that ended by itself is a finding."""
        if self.process is not None and self.process.poll() is not None:
            raise Trouble(f"{self.name} ended by itself with {self.process.returncode}: see "
                          f"{self.folder / self.name}.log")

    def await_port(self) -> None:
        until = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                self.check()
                if time.monotonic() > until:
                    raise Trouble(f"{self.name} did not open port {self.port}") from None
                time.sleep(0.02)

    def processor_seconds(self) -> float:
        """User and system time so far."""
        assert self.process
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Engine(Process):
    """redis-server or valkey-server, which has written what it acknowledges."""

    def __init__(self, folder: pathlib.Path, program: str, sync: str = "always") -> None:
        super().__init__(folder, "engine")
        self.program, self.sync = program, sync
        (folder / "engine").mkdir()

    def command(self) -> List[str]:
        return [self.program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                "--appendonly", "yes", "--appendfsync", self.sync, "--dir",
                str(self.folder / "engine"), "--enable-debug-command", "yes"]

    def ask(self, *words: object) -> object:
        """One command on a connection of its own."""
        with socket.create_connection(("127.0.0.1", self.port), WAIT_SECONDS) as one:
            texts = [w if isinstance(w, bytes) else str(w).encode() for w in words]
            one.sendall(b"*%d\r\n" % len(texts) +
                        b"".join(b"$%d\r\n%s\r\n" % (len(t), t) for t in texts))
            with one.makefile("rb") as reader:
                return read_reply(reader)

    def await_ready(self) -> None:
        until = time.monotonic() + WAIT_SECONDS
        while True:
            self.await_port()
            reply = self.ask("PING")
            if reply == b"PONG":
                return
            if time.monotonic() > until:
                raise Trouble(f"the engine says {reply!r}")
            time.sleep(0.02)


def read_reply(reader) -> object:
    line = reader.readline()
    kind, rest = line[:1], line[1:-2]
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return reader.read(int(rest) + 2)[:-2] if int(rest) >= 0 else None
    if kind == b"*":
        return [read_reply(reader) for _ in range(int(rest))]
    if kind == b"-":
        return Exception(rest.decode())
    return rest


class Node(Process):
    """A grud; without an engine one that stands alone."""

    def __init__(self, folder: pathlib.Path, name: str, engine_port: Optional[int],
                 options: Sequence[str] = ()) -> None:
        super().__init__(folder, name)
        self.engine_port, self.options = engine_port, list(options)

    def command(self) -> List[str]:
        words = [GRUD, "--models", str(self.folder / "models"), "--listen",
                 f"127.0.0.1:{self.port}", "--workers", "2", "--session-history", str(HISTORY),
                 *self.options]
        if self.engine_port is not None:
            words += ["--cluster", f"redis://127.0.0.1:{self.engine_port}"]
        return words


class Router(Process):
    """HAProxy: a session's requests go to one node, while that lives."""

    def __init__(self, folder: pathlib.Path, nodes: Sequence[Node]) -> None:
        super().__init__(folder, "haproxy")
        servers = "".join(f"    server {n.name} 127.0.0.1:{n.port}\n" for n in nodes)
        (folder / "haproxy.cfg").write_text(
            "defaults\n    mode http\n    timeout connect 1s\n    timeout client 60s\n"
            "    timeout server 60s\n    retries 1\n    option redispatch\n"
            f"frontend all\n    bind 127.0.0.1:{self.port}\n    default_backend nodes\n"
            "backend nodes\n    balance hash path,field(6,/)\n    hash-type consistent\n"
            f"{HEALTH}{servers}", encoding="ascii")

    def command(self) -> List[str]:
        return ["haproxy", "-db", "-f", str(self.folder / "haproxy.cfg")]


def make_version(folder: pathlib.Path, seed: int) -> bytes:
    """The file of a version of the model."""
    path = folder / f"version-{seed}.safetensors"
    subprocess.run([GRUD, "init", "--inputs", "a,b,c", "--outputs", "a,b", "--layers", "16",
                    "--seed", str(seed), "-o", str(path)], check=True, stdout=subprocess.DEVNULL)
    return path.read_bytes()


def make_model(folder: pathlib.Path) -> None:
    (folder / "models").mkdir()
    (folder / "models" / f"{MODEL}.safetensors").write_bytes(make_version(folder, 1))
