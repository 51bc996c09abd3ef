"""Prints the table of docs/BLENDING.md: mixed forecasts of public series, beside what they are
mixed of.

    tests/quality/run.sh build blend.py [--data FOLDER] [--rows TEXT[,TEXT...]]

A session takes all rows in turn and asks for mixed forecasts from the first one on. Errors are root
mean squares and means of absolute errors over all rows of the series, as shares of persistence's.
"""
import argparse
import sys

import numpy as np
from daemon import Daemon
from datasets import ROWS, Missing
from settings import PLAIN, RESIDUAL
from trial import Trial, last_known

AHEADS = (1, 3, 12)
REACH = max(AHEADS)
HEAD = ("series", "model", *(f"{name}, {ahead} ahead" for ahead in AHEADS
                             for name in ("model", "mixture")))


def errors(x, forecasts, ahead):
    """Of forecasts [T][REACH][I] from each row on."""
    off = x[ahead:] - forecasts[: len(x) - ahead, ahead - 1]
    off = off[~np.isnan(off)]
    return np.sqrt(np.mean(off**2)), np.mean(np.abs(off))


def stepped(daemon, model, x, blend):
    rows = [[None if np.isnan(v) else v for v in row] for row in x.tolist()]
    fields = {"horizon": REACH, **({"blend": True} if blend else {})}
    replies = daemon.replies(model, rows, **fields)
    return np.array([reply["forecast"] for reply in replies], dtype=float)


def cells(daemon, trial, model, worse):
    x = trial.gappy
    last = last_known(x)
    persistence = np.repeat(last[:, None], REACH, axis=1)
    own, mixed = (stepped(daemon, model, x, blend) for blend in (False, True))
    for ahead in AHEADS:
        base = errors(x, persistence, ahead)
        for name, forecasts in (("model", own), ("mixture", mixed)):
            shares = [e / b for e, b in zip(errors(x, forecasts, ahead), base)]
            if name == "mixture" and max(shares) > 1.01:
                worse.append(f"{trial.row.name}, {ahead} ahead")
            yield " / ".join(f"{share:.3f}" for share in shares)


def models(daemon, trial):
    """A trained one, and one of random weights, with the series' own scaling."""
    yield "trained", trial.trained(daemon, PLAIN, 1)[0]
    yield "random weights", daemon.make(trial.names, RESIDUAL, trial.row.season, 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="a folder with ETTh1.csv and exchange_rate.txt")
    parser.add_argument("--rows", default="", help="those whose names have one of these texts")
    arguments = parser.parse_args()
    worse, seen = [], set()
    print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
    with Daemon() as daemon:
        for row in ROWS:
            if row.load in seen or not any(t in row.name for t in arguments.rows.split(",")):
                continue
            seen.add(row.load)
            try:
                trial = Trial(row, arguments.data)
            except Missing as why:
                print(f"| {row.name} | SKIPPED: {why} |", flush=True)
                continue
            for name, model in models(daemon, trial):
                texts = [row.name, name, *cells(daemon, trial, model, worse)]
                print("| " + " | ".join(texts) + " |", flush=True)
    for name in worse:
        print(f"worse than persistence by more than 1 %: {name}", file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
