"""What is told to grud: options of `grud init` and hyper-parameters of a job."""
from typing import Mapping, NamedTuple, Sequence


class Setting(NamedTuple):
    name: str
    init: Sequence[str]
    hyperparameters: Mapping


# One residual layer, and a job's own defaults.
PLAIN = Setting("plain", ("--layers", "32", "--residual"), {})
