#!/usr/bin/python3
"""Trains temperature.safetensors with grud itself: a residual GRU that forecasts the temperature an hour ahead.

    make demo-model        or: GRUD=build/grud examples/temperature/train.py [FILE]; a few seconds

newark.csv, January to August, is all that training sees; its last 15 % choose the best epoch. Then the model
forecasts jfk.csv, September to December, at another place, and is compared with persistence ("as it is now").
It is trained for 16 epochs only, so that something is left to be learnt where it serves.

It learns stretches of ten days, each made warmer or colder as a whole: so it learns what the hours of a day do to
the temperature, and not which temperatures there were in Newark that year.
"""
import csv
import datetime
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "clients" / "python"))

from grud import Client  # noqa: E402

GRUD = os.environ.get("GRUD", "build/grud")
MODEL = "temperature"
SEED = 1
HOUR = 3600
DAY = 24
STRETCH = 240  # hours in a training sequence
STRIDE = 60  # hours from the begin of one to that of the next
SHIFT = 10.0  # degrees that a stretch is made warmer or colder by, at most
HORIZON = DAY


def read_hours(name):
    """A temperature for each hour, None where there is none."""
    hours, first = {}, None
    with open(HERE / name, newline="") as file:
        for row in csv.DictReader(file):
            at = datetime.datetime.fromisoformat(row["time"].replace("Z", "+00:00")).timestamp()
            first = at if first is None else first
            hours[round((at - first) / HOUR)] = float(row["temperature"])
    return [hours.get(hour) for hour in range(max(hours) + 1)]


def stretches(hours, stride):
    for begin in range(0, len(hours) - STRETCH, stride):
        shift = random.uniform(-SHIFT, SHIFT)
        yield [[None if x is None else round(x + shift, 1)] for x in hours[begin : begin + STRETCH]]


def untrained(folder):
    """The bytes of an untrained model, with the unit, which `grud init` does not ask for."""
    path = folder / "untrained.safetensors"
    subprocess.run([GRUD, "init", "--inputs", "temperature", "--outputs", "temperature", "--layers", "32", "--residual",
                    "--scale", "temperature=12:10", "--interval-seconds", str(HOUR), "--season", str(DAY), "-o", path],
                   check=True, stdout=subprocess.DEVNULL)
    file = path.read_bytes()
    n = struct.unpack("<Q", file[:8])[0]
    header = json.loads(file[8 : 8 + n])
    metadata = json.loads(header["__metadata__"]["grud"])
    for variable in metadata["inputs"] + metadata["outputs"]:
        variable["unit"] = "°C"
    header["__metadata__"]["grud"] = json.dumps(metadata, ensure_ascii=False)
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + file[8 + n :]


def start(folder):
    """A grud of our own, and its address."""
    port = folder / "port"
    daemon = subprocess.Popen([GRUD, "--data", folder / "data", "--listen", "127.0.0.1:0", "--port-file", port,
                               "--log-level", "error"])
    while not port.exists():
        if daemon.poll() is not None:
            sys.exit("grud did not start")
        time.sleep(0.05)
    return daemon, f"http://127.0.0.1:{int(port.read_text())}"


def train(client, hours):
    """Trains version 1, and returns the number of what came of it."""
    random.seed(SEED)
    n_fit = len(hours) * 85 // 100
    job = client.fine_tune(
        MODEL,
        series=[{"x": x} for x in stretches(hours[:n_fit], STRIDE)],
        validation={"series": [{"x": x} for x in stretches(hours[n_fit:], STRETCH)]},
        hyperparameters={"optimizer": "adamw", "weight_decay": 0.01, "learning_rate": 0.003, "n_epochs": 16,
                         "batch_size": 16, "window": 48},
        promotion={"policy": "manual"})
    return job.wait()["fine_tuned_version"]


def report(client, version):
    rows = [[x] for x in read_hours("jfk.csv")]
    result = client.evaluate(MODEL, rows, horizon=HORIZON, level=0.9, version=version)
    print("hours ahead    MAE   skill  in the 90 % interval")
    for ahead in (1, 3, 6, 12, 18, 24):
        row = result["by_horizon"][ahead - 1]
        print(f"{ahead:11d}  {row['mae']:5.2f}  {row['skill_vs_persistence']:+.2f}  {100 * row['coverage']:.1f} %")


def main():
    to = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / f"{MODEL}.safetensors"
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        daemon, url = start(folder)
        try:
            with Client(url) as client:
                client.models.upload(MODEL, untrained(folder))
                version = train(client, read_hours("newark.csv"))
                report(client, version)
                to.write_bytes(client.models.download(MODEL, version))
        finally:
            daemon.terminate()
            daemon.wait()


if __name__ == "__main__":
    main()
