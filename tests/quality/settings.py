"""What is told to grud: options of `grud init` and hyper-parameters of a job."""
from typing import Mapping, NamedTuple, Optional, Sequence


class Setting(NamedTuple):
    name: str
    init: Sequence[str]
    hyperparameters: Optional[Mapping]  # None: the job's recipe finds them


RESIDUAL = ("--layers", "32", "--residual")

# What nothing was chosen for: a job's own defaults.
PLAIN = Setting("plain", RESIDUAL, {"scaling": "fit"})

# The same model, and a job that is told nothing but how far ahead its forecasts are to be good.
RECIPE = Setting("recipe", RESIDUAL, None)

# Training from nothing takes longer than going on from a model that serves, and more restraint.
FROM_NOTHING = {"n_epochs": 400, "learning_rate": 0.003, "early_stopping_patience": 50,
                "optimizer": "adamw", "weight_decay": 0.1, "scaling": "fit"}


def candidates(row, names):
    """What is tried for a series. The rows that choose an epoch choose among these, too."""
    yield Setting("one row ahead", RESIDUAL, FROM_NOTHING)
    if row.horizon == 1:
        return
    yield Setting("roll-out", RESIDUAL, {**FROM_NOTHING, "horizon_loss": row.horizon})
    at_once = ("--layers", "64", "--residual", "--steps", str(row.horizon))
    yield Setting("all rows at once", at_once, FROM_NOTHING)
    if row.season:
        seasonal = ",".join(f"{name}=seasonal:{row.season}" for name in names)
        yield Setting("seasonal difference", (*RESIDUAL, "--transform", seasonal), FROM_NOTHING)
