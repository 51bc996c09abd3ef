"""Prints the table of docs/FORECASTING.md: grud's forecasts of public series, beside others'.

    tests/quality/run.sh build [--data FOLDER] [--rows TEXT[,TEXT...]] [--seeds 1,2,3] [--no-peers]
"""
import argparse
import sys

import numpy as np
import peers
from daemon import Daemon
from datasets import ROWS, Missing
from settings import PLAIN, RECIPE, candidates
from trial import Trial

HEAD = ("series", "measure", "persistence", "seasonal naive", *peers.NAMES, "published",
        "grud, plain", "grud, recipe", "its job", "grud, chosen", "what was chosen", "its jobs")
NOTHING = "–"


def number(value, row):
    if row.hidden:
        return f"{100 * value:+.0f} %"
    return f"{value:.4f}" if value < 0.1 else f"{value:.3f}"


def spread(values, row):
    """The mean over the seeds, the least and the greatest."""
    least, greatest = number(min(values), row), number(max(values), row)
    return f"{number(np.mean(values), row)} ({least} to {greatest})"


def choose(daemon, trial, seeds):
    """The candidate with the least mean error in validation, a model of it for each seed, and the
    processor seconds of all candidates, for one seed."""
    tried, total = [], 0.0
    for setting in candidates(trial.row, trial.names):
        models, seconds = zip(*(trial.trained(daemon, setting, seed) for seed in seeds))
        error = np.mean([trial.validated(daemon, model) for model in models])
        tried.append((error, setting, models))
        total += np.mean(seconds)
    error, setting, models = min(tried, key=lambda one: one[0])
    return setting, models, total


def cells(daemon, row, arguments, missed):
    trial = Trial(row, arguments.data)
    yield number(trial.persistence(), row)
    yield number(trial.seasonal_naive(), row) if row.season else NOTHING
    for name in peers.NAMES:
        if row.has_peers and not arguments.no_peers:
            error, seconds = trial.peer(name)
            yield f"{number(error, row)}, {seconds:.1f} s"
        else:
            yield NOTHING
    yield row.published or NOTHING
    plain, _ = zip(*(trial.trained(daemon, PLAIN, seed) for seed in arguments.seeds))
    yield spread([trial.served(daemon, model) for model in plain], row)
    by_recipe, seconds = zip(*(trial.trained(daemon, RECIPE, seed) for seed in arguments.seeds))
    yield spread([trial.served(daemon, model) for model in by_recipe], row)
    yield f"{np.mean(seconds):.1f} s"
    chosen, models, seconds = choose(daemon, trial, arguments.seeds)
    errors = [trial.served(daemon, model) for model in models]
    if np.mean(errors) > row.goal:
        missed.append(f"{row.name}: {number(np.mean(errors), row)} of {number(row.goal, row)}")
    yield spread(errors, row)
    yield chosen.name
    yield f"{seconds:.2f} s"


def line(texts):
    print("| " + " | ".join(texts) + " |", flush=True)


def print_row(daemon, row, arguments, missed):
    try:
        texts = [row.name, row.measure.upper(), *cells(daemon, row, arguments, missed)]
    except Missing as why:
        texts = [row.name, row.measure.upper(), f"SKIPPED: {why}"]
    line(texts + [""] * (len(HEAD) - len(texts)))


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="a folder with ETTh1.csv and exchange_rate.txt")
    parser.add_argument("--rows", default="", help="those whose names have one of these texts")
    parser.add_argument("--seeds", default="1,2,3", help="of weights and training")
    parser.add_argument("--no-peers", action="store_true", help="without statsforecast")
    arguments = parser.parse_args()
    arguments.seeds = [int(seed) for seed in arguments.seeds.split(",")]
    arguments.rows = arguments.rows.split(",")
    return arguments


def main():
    arguments = read_arguments()
    missed = []
    line(HEAD)
    line(["---"] * len(HEAD))
    with Daemon() as daemon:
        for row in ROWS:
            if any(text in row.name for text in arguments.rows):
                print_row(daemon, row, arguments, missed)
    for row in missed:
        print(f"missed its goal: {row}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
