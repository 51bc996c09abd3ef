"""The program as it is installed: what it prints, its exit status, and files that are no models."""

import json
import shutil
import subprocess
import sys
import time
import unittest
import urllib.request
from pathlib import Path

import numpy as np
from support import FIELD, GRUD, ConvertTest, field_case

PROGRAM = Path(sys.executable).parent / "grud-convert"


class Program(ConvertTest):
    def run_it(self, *arguments):
        return subprocess.run(
            [PROGRAM, *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )

    @unittest.skipUnless(PROGRAM.exists(), "grud-convert is not installed here")
    def test_it_says_in_one_line_what_it_made(self):
        shutil.copy(FIELD / "keras-reset-after.keras", self.folder / "weather.keras")
        found = self.run_it("weather.keras", "-o", "weather.safetensors")
        self.assertEqual((found.returncode, found.stderr), (0, ""))
        self.assertRegex(
            found.stdout,
            r"^weather\.safetensors: 3 inputs → gru 8 → dense 2; gives "
            r"what Keras 3\.\S+ on numpy gives for 20 rows\n$",
        )

    @unittest.skipUnless(PROGRAM.exists(), "grud-convert is not installed here")
    def test_a_refusal_is_one_line_and_status_1(self):
        shutil.copy(FIELD / "mlp-head.safetensors", self.folder)
        found = self.run_it("mlp-head.safetensors", "-o", "weather.safetensors")
        self.assertEqual((found.returncode, found.stdout), (1, ""))
        self.assertEqual(found.stderr.count("\n"), 1)
        self.assertIn("grud-convert: mlp-head.safetensors: the names", found.stderr)
        self.assertEqual([p.name for p in self.folder.iterdir()], ["mlp-head.safetensors"])
        self.assertEqual(self.run_it("--help").returncode, 0)
        self.assertEqual(self.run_it("mlp-head.safetensors").returncode, 2)

    @unittest.skipUnless(GRUD, "there is no grud ($GRUD)")
    def test_put_of_what_it_made_serves(self):
        self.convert(FIELD / "torch-export-external-data.onnx")
        x, y = field_case("torch-export-external-data")
        with subprocess.Popen(
            [
                GRUD,
                "--data",
                self.folder / "data",
                "--listen",
                "127.0.0.1:0",
                "--port-file",
                self.folder / "port",
            ],
            stderr=subprocess.DEVNULL,
        ) as daemon:
            try:
                while not (self.folder / "port").exists():
                    time.sleep(0.05)
                base = (
                    f"http://127.0.0.1:{(self.folder / 'port').read_text().strip()}/v1/models/made"
                )
                self.call("PUT", base, self.made.read_bytes(), "application/octet-stream")
                for row, right in zip(x, y):
                    body = json.dumps({"x": row}).encode()
                    found = self.call("POST", f"{base}/sessions/s/step", body, "application/json")
                    self.near(np.array(found["y"]), np.array(right), 1e-5)
            finally:
                daemon.terminate()

    def call(self, method, url, body, kind):
        request = urllib.request.Request(url, body, {"Content-Type": kind}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def test_what_is_no_model_is_refused(self):
        for name, content in (
            ("empty.pt", b""),
            ("table.csv", b"a,b\n1,2\n"),
            ("zip.keras", b"PK\5\6" + bytes(18)),
            ("cut.safetensors", b'\x40\0\0\0\0\0\0\0{"a":'),
            ("cut.h5", b"\x89HDF\r\n\x1a\n\0"),
            ("cut.onnx", b"nothing"),
        ):
            with self.subTest(name):
                path = self.folder / name
                path.write_bytes(content)
                self.refuse(path)
        self.refuse(self.folder / "absent.pt", says="cannot be read")
        self.refuse(self.folder, says="it is a folder")

    def test_a_name_does_not_tell_what_a_file_is(self):
        path = self.folder / "renamed.safetensors"
        shutil.copy(FIELD / "torch-state.pt", path)
        self.convert(path)


if __name__ == "__main__":
    unittest.main()
