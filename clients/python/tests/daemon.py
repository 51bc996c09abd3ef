"""A grud of one's own for a test: port 0, a fresh data folder, ended by its pid. The program is
$GRUD, or build/grud of the tree."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

TREE = Path(__file__).resolve().parents[3]
GOLDEN = TREE / "tests" / "fixtures" / "golden"
PROGRAM = Path(os.environ.get("GRUD", TREE / "build" / "grud")).absolute()
READY_SECONDS = 60


class Daemon:
    """Serves the golden models; `options` are further flags."""

    def __init__(self, *options, address="127.0.0.1"):
        self.options = options
        self.address = address
        self.folder = Path(tempfile.mkdtemp(prefix="grud-python-"))
        self.port = 0
        self.start()

    def start(self):
        """Again on the same port after the first time, so that clients find it."""
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "--models", GOLDEN, "--data", self.folder / "data",
                 "--listen", f"{self.address}:{self.port}", "--port-file", port_file,
                 *self.options], stdout=log, stderr=log,
                env={**os.environ, "GRUD_QUEUE_MS": "60000"})
        end = time.monotonic() + READY_SECONDS
        while not (port_file.exists() and port_file.read_text().strip()):
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError("grud is not ready: " + (self.folder / "log").read_text())
            time.sleep(0.005)
        self.port = int(port_file.read_text())

    @property
    def url(self):
        return f"http://{self.address}:{self.port}"

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Must end well; removes the folder."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(60)
        log = (self.folder / "log").read_text()
        shutil.rmtree(self.folder)
        assert code == 0, f"grud has ended with {code}: {log}"

    def add_model(self, client, name, *options):
        """Makes an untrained model and uploads it."""
        file = self.folder / "new.safetensors"
        subprocess.run([PROGRAM, "init", *options, "--force", "-o", file], check=True, capture_output=True)
        return client.models.upload(name, file)
