"""A grud of one's own, and all that the table asks of it: `grud init` and documented requests."""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

TREE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "clients" / "python"))

from grud import Client, GrudError  # noqa: E402

GRUD = os.environ.get("GRUD", str(TREE / "build" / "grud"))
TICKS = os.sysconf("SC_CLK_TCK")
RECIPE_SECONDS = 3600  # that it may take, and does not: it ends by itself


class Daemon:
    """Serves from a fresh folder; a context, at whose end it is gone."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="grud-quality-")
        self.path = pathlib.Path(self.folder.name)
        port = self.path / "port"
        self.process = subprocess.Popen(
            [GRUD, "--data", self.path / "data", "--listen", "127.0.0.1:0", "--port-file", port,
             "--log-level", "error"])
        while not (port.exists() and port.read_text().strip()):
            if self.process.poll() is not None:
                sys.exit("grud did not start")
            time.sleep(0.05)
        self.n_models = 0
        self.client = Client(f"http://127.0.0.1:{int(port.read_text())}", timeout=600)
        return self

    def __exit__(self, *error):
        self.client.close()
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()

    def processor_seconds(self):
        """User and system time of the process so far."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = stat.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def make(self, names, options, season, seed):
        """The name of an untrained model by `grud init`."""
        self.n_models += 1
        model = f"m{self.n_models}"
        file = self.path / "untrained.safetensors"
        subprocess.run(
            [GRUD, "init", "--inputs", ",".join(names), "--outputs", ",".join(names),
             *(["--season", str(season)] if season else []), "--seed", str(seed), *options,
             "--force", "-o", file],
            check=True, stdout=subprocess.DEVNULL)
        self.client.models.upload(model, file)
        return model

    def train(self, model, train, hyperparameters, horizon, validation, seed):
        """A job on the rows, whatever its gate says of it; returns its processor seconds. Without
        hyper-parameters it has a recipe."""
        means = {"hyperparameters": hyperparameters}
        if hyperparameters is None:
            means = {"recipe": {"type": "auto", "horizon": horizon}, "max_seconds": RECIPE_SECONDS}
        before = self.processor_seconds()
        job = self.client.fine_tune(
            model, series=[train.tolist()], seed=seed, validation={"fraction": validation},
            promotion={"policy": "manual"}, **means)
        version = job.wait(progress=False)["fine_tuned_version"]
        seconds = self.processor_seconds() - before
        self.client.models.activate(model, version)
        return seconds

    def forecasts(self, model, x, first, horizon, stride):
        """A session takes the rows in turn. W x H x O, of which the first is of the row `first`."""
        rows = [[None if np.isnan(v) else v for v in row] for row in x.tolist()]
        for _ in self._steps(model, rows[: first - 1]):
            pass
        ahead = self._steps(model, rows[first - 1 : len(rows) - horizon], horizon=horizon)
        forecasts = np.array([reply["forecast"] for reply in ahead], dtype=float)
        self.client.sessions.delete(model, "test")
        return forecasts[::stride]

    def replies(self, model, rows, **fields):
        """What a session answers to each of the rows."""
        replies = list(self._steps(model, rows, **fields))
        self.client.sessions.delete(model, "test")
        return replies

    def _steps(self, model, rows, **fields):
        for reply in self.client.steps(model, rows, session="test", **fields):
            if isinstance(reply, GrudError):
                raise reply
            yield reply
