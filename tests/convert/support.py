"""What the tests of grud-convert share: calls of it, and rows of what it made."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tools" / "convert"))

import grud_convert  # noqa: E402
from interpreter import read_file, run_file  # noqa: E402

GRUD = os.environ.get("GRUD", "")
FIELD = HERE / "field"


def rows(n_rows, n_inputs, seed=1):
    return np.random.default_rng(seed).standard_normal((n_rows, n_inputs)).astype(np.float32)


class ConvertTest(unittest.TestCase):
    """Each test has a folder of its own, `self.folder`, and knows the worst error it has met."""

    worst = 0.0

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.made = self.folder / "made.safetensors"

    def convert(self, file, *options):
        """The line that grud-convert says; the file is at self.made."""
        argv = [str(file), "-o", str(self.made), *options]
        return grud_convert.convert(grud_convert.parser().parse_args(argv))

    def refuse(self, file, *options, says=()):
        """It is refused, with all of these words, and nothing is written."""
        with self.assertRaises(grud_convert.Refused) as caught:
            self.convert(file, *options)
        for words in says if isinstance(says, (list, tuple)) else [says]:
            self.assertIn(words, str(caught.exception))
        self.assertNotIn("\n", str(caught.exception))
        self.assertFalse(self.made.exists())

    def grud_metadata(self):
        return read_file(self.made)[1]

    def gives(self, x, y, tolerance=1e-5):
        """The file gives y for the rows x: by the equations, and by grud."""
        y = np.asarray(y, dtype=np.float64)
        self.near(run_file(self.made, x), y, tolerance)
        if GRUD:
            found = self.rows_of_grud(x)  # of several steps at once, the first
            self.near(found, y[:, : found.shape[1]], tolerance)

    def near(self, found, right, tolerance):
        error = float((np.abs(found - right) / np.maximum(1, np.abs(right))).max())
        self.assertLessEqual(error, tolerance)
        self.worst = max(self.worst, error)

    def rows_of_grud(self, x):
        """What `grud predict` gives, which has run the file's selftest before."""
        names = [e["name"] for e in self.grud_metadata().get("inputs", [])]
        names = names or [f"x{k}" for k in range(np.shape(x)[1])]
        data = self.folder / "rows.csv"
        lines = [",".join(names), *(",".join(repr(float(v)) for v in row) for row in x)]
        data.write_text("\n".join(lines) + "\n")
        found = subprocess.run(
            [GRUD, "predict", self.made, data, "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(found.returncode, 0, found.stderr)
        return np.array(json.loads(found.stdout)["y"])

    def has_selftest(self, n_rows):
        selftest = self.grud_metadata()["selftest"]
        self.assertEqual(len(selftest["x"]), n_rows)
        self.gives(selftest["x"], selftest["y"])


def field_case(name):
    case = json.loads((FIELD / f"{name}.json").read_text())
    return case["x"], case["y"]
