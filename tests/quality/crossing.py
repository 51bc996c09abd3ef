"""Prints a table of docs/INTERVALS.md: how probable crossings are said to be, and how often they
come.

    tests/quality/run.sh build crossing.py [--rows TEXT[,TEXT...]] [--setting NAME]

Models are trained on the first half of a series, by the recipe or a setting of settings.py. A
session for each threshold then takes all rows in turn, and what it is told behind that half is
judged, beside climatology: how often the threshold was crossed in the rows of training, in that
month of the year where there is a season.
"""
import argparse
import sys

import numpy as np
from daemon import Daemon
from datasets import ROWS
from settings import RECIPE, candidates
from trial import Trial

SERIES = ("sunspots", "Nottingham temperature", "El Niño")
SHARE, SEEDS = 0.5, (1, 2, 3)
REACH = 12
AHEADS = {f"1 to {REACH}": slice(None), "1": slice(1), str(REACH): slice(REACH - 1, REACH)}
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95)  # of the rows of training: the thresholds
SIDES = ("above", "below")
BINS, FEWEST = 10, 50  # statements in a tenth: of fewer no share is told
TENTHS = [f"{k / BINS:.1f} to {(k + 1) / BINS:.1f}" for k in range(BINS)]


def setting_of(row, names, wanted):
    settings = (RECIPE, *candidates(row, names))
    return next(one for one in settings if one.name == wanted)


def stated(daemon, model, x, crossing):
    """T x REACH: how probably it is crossed by when, of each row."""
    replies = daemon.replies(model, x.tolist(), horizon=REACH, crossing=crossing)
    unknown = [None] * REACH
    return np.array([reply["crossing"]["by_horizon"] or unknown for reply in replies], dtype=float)


def realised(x, side, threshold):
    """Likewise whether it was, of each row that has REACH behind it."""
    beyond = x > threshold if side == "above" else x < threshold
    ahead = [beyond[1 + h : len(x) - REACH + 1 + h] for h in range(REACH)]
    return np.logical_or.accumulate(np.stack(ahead, axis=1), axis=1)


def usual(truth, n_train, season):
    """Likewise how often it was, of the rows of training in the same place of the season."""
    known = truth[: n_train - REACH]
    rates = np.array([known[k::season].mean(axis=0) for k in range(season)])
    return rates[np.arange(len(truth)) % season]


def judged(daemon, row, wanted):
    """What was stated, what was realised and what is usual, behind the rows of training."""
    trial, cases = Trial(row, None), []
    x, n = trial.x[:, 0], trial.n_train
    setting = setting_of(row, trial.names, wanted)
    models = [trial.trained(daemon, setting, seed)[0] for seed in SEEDS]
    for threshold in np.quantile(x[:n], QUANTILES):
        for side in SIDES:
            crossing = {"output": trial.names[0], side: float(threshold)}
            truth = realised(x, side, threshold)
            climate = usual(truth, n, row.season or 1)
            for model in models:
                told = stated(daemon, model, trial.x, crossing)[: len(truth)]
                cases.append([part[n:] for part in (told, truth, climate)])
    return [np.concatenate(part) for part in zip(*cases)]


def brier(probability, truth):
    return np.mean((probability - truth) ** 2)


def tenths(told, truth):
    """stated: realised, of each tenth."""
    bins = np.minimum((BINS * told).astype(int), BINS - 1)
    for k in range(BINS):
        at = bins == k
        enough = at.sum() >= FEWEST
        yield f"{told[at].mean():.2f}: {truth[at].mean():.2f}" if enough else ""


def line(texts):
    print("| " + " | ".join(texts) + " |", flush=True)


def print_series(daemon, row, wanted):
    """Returns the lines in which climatology is as good."""
    parts, worse = judged(daemon, row, wanted), []
    for ahead, at in AHEADS.items():
        told, truth, climate = (part[:, at] for part in parts)
        scores = brier(told, truth), brier(climate, truth)
        line([row.name, ahead, *(f"{score:.3f}" for score in scores), *tenths(told, truth)])
        worse += [f"{row.name}, {ahead} ahead"] if scores[0] >= scores[1] else []
    return worse


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="", help="those whose names have one of these texts")
    parser.add_argument("--setting", default=RECIPE.name, help="how models are trained")
    arguments = parser.parse_args()
    head = ("series", "ahead", "Brier score", "climatology's", *TENTHS)
    worse = []
    line(head)
    print("|" + "---|" * len(head))
    with Daemon() as daemon:
        for row in ROWS:
            if row.name in SERIES and any(t in row.name for t in arguments.rows.split(",")):
                worse += print_series(daemon, row._replace(train=SHARE), arguments.setting)
    for name in worse:
        print(f"no better than climatology: {name}", file=sys.stderr)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
