"""What is shipped: the examples of the README run, and the package installs."""

import importlib.util
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from grud import Client

from .daemon import TREE, Daemon

HERE = Path(__file__).resolve().parents[1]
MODEL = TREE / "examples" / "host-load" / "host-load.safetensors"


class Package(unittest.TestCase):
    def test_the_examples_of_the_readme_run(self):
        daemon = Daemon()
        self.addCleanup(daemon.stop)
        with Client(daemon.url) as client:
            client.models.upload("host-load", MODEL)
        text = (HERE / "README.md").read_text()
        blocks = re.findall(r"```python\n(.*?)```", text, re.S)
        self.assertGreater(len(blocks), 3)
        names = {"print": lambda *_: None}
        for block in blocks:
            exec(block.replace("http://127.0.0.1:8080", daemon.url), names)
        self.assertEqual(names["client"].sessions.get("host-load", "web-2")["step"], 300)
        self.assertEqual(names["job"].status, "succeeded")
        names["client"].close()

    @unittest.skipUnless(all(map(importlib.util.find_spec, ("pip", "setuptools", "wheel"))),
                         "needs pip, setuptools and wheel, so that nothing has to be fetched")
    def test_pip_installs_it(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "source"
            subprocess.run(["cp", "-r", HERE, copy], check=True)
            subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps",
                            "--no-build-isolation", "--disable-pip-version-check",
                            "--root-user-action=ignore", "--target", f"{folder}/to", copy],
                           check=True, capture_output=True)
            installed = {file.name for file in (Path(folder) / "to" / "grud").iterdir()}
        shipped = {file.name for file in (HERE / "grud").iterdir()}
        self.assertEqual(installed - {"__pycache__"}, shipped - {"__pycache__"})
        self.assertIn("py.typed", installed)


if __name__ == "__main__":
    unittest.main()
