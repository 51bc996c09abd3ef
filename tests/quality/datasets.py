"""The rows of the table: which series, from where, cut where, judged how.

Series come out of packages of PyPI (versions in run.sh) as the files that they ship. ETTh1.csv and
exchange_rate.txt are in no package, and are read from a folder. The first part of a series is
trained on, and nothing else.
"""
import csv
import functools
import importlib.util
import io
import pathlib
import tarfile
from typing import Callable, NamedTuple, Optional

import numpy as np


class Missing(Exception):
    """The data of a row cannot be had; says why."""


def packaged(package, path):
    """A file of an installed package, which is not imported: some write files when they are."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise Missing(f"the package {package} is not installed")
    return pathlib.Path(spec.origin).parent / path


def columns(text, names):
    """The columns of a CSV file with these names, T x I."""
    rows = csv.DictReader(io.StringIO(text))
    return np.array([[float(row[name]) for name in names] for row in rows])


def r_series(name, _folder):
    """A series of R's package datasets."""
    with tarfile.open(packaged("pydataset", "resources.tar.gz")) as archive:
        file = archive.extractfile(f"resources/rdata/csv/datasets/{name}.csv")
        return columns(file.read().decode(), [name])


def el_nino(_folder):
    """Sea surface temperature by months; a line is a year."""
    lines = packaged("statsmodels", "datasets/elnino/elnino.csv").read_text().splitlines()[1:]
    return np.array([float(x) for line in lines for x in line.split(",")[1:]])[:, None]


def seattle(_folder):
    """Hourly temperature of 2010."""
    return columns(packaged("vega_datasets", "_data/seattle-temps.csv").read_text(), ["temp"])


def given(folder, *names):
    """The first of these files that the folder has."""
    for name in names:
        if folder and (pathlib.Path(folder) / name).exists():
            return pathlib.Path(folder) / name
    raise Missing(f"no folder with {names[0]} is given (DATA=FOLDER)")


def etth1(names, folder):
    """The 20 months that figures are published of."""
    return columns(given(folder, "ETTh1.csv").read_text(), names)[: 20 * 30 * 24]


def exchange_rate(folder):
    return np.loadtxt(given(folder, "exchange_rate.txt", "exchange_rate.txt.gz"), delimiter=",")


class Row(NamedTuple):
    name: str
    load: Callable  # folder -> T x I
    season: Optional[int]  # rows in one
    horizon: int  # how many rows ahead
    measure: str  # a name of measures.py
    train: float = 0.7  # the share of the rows that is trained on
    validation: float = 0.2  # of those, the last ones, which choose an epoch
    stride: int = 1  # rows from one origin to the next
    hidden: float = 0.0  # the share of the readings behind the training part that is taken away
    has_peers: bool = True  # statsforecast is asked, too
    published: str = ""
    goal: float = np.inf  # what grud's error may be; where there are peers, theirs


ETT = ("HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT")


def exchange(horizon, published, goal):
    return Row(f"Exchange-Rate, {horizon} ahead", exchange_rate, None, horizon, "rse", train=0.8,
               validation=0.25, has_peers=False, published=published, goal=goal)


ROWS = (
    Row("CO2", functools.partial(r_series, "co2"), 12, 12, "mase", goal=0.45),
    Row("airline passengers", functools.partial(r_series, "AirPassengers"), 12, 12, "mase",
        goal=0.70),
    Row("Nottingham temperature", functools.partial(r_series, "nottem"), 12, 12, "mase", goal=0.63),
    Row("sunspots", functools.partial(r_series, "sunspots"), None, 12, "mase", goal=1.80),
    Row("El Niño", el_nino, 12, 12, "mase", goal=0.66),
    Row("ETTh1, OT", functools.partial(etth1, ETT[-1:]), 24, 24, "mase", train=0.8, validation=0.25,
        stride=24, goal=0.613),
    exchange(3, ".0192", 0.0175),
    exchange(6, ".0264", 0.0245),
    exchange(12, ".0408", 0.0350),
    exchange(24, ".0626", 0.0480),
    Row("ETTh1, 7 columns", functools.partial(etth1, ETT), 24, 24, "mse", train=0.8,
        validation=0.25, has_peers=False, goal=0.50),
    Row("Seattle by hours, 10 % missing", seattle, 24, 1, "mae", hidden=0.1, has_peers=False,
        goal=0.14),
)
