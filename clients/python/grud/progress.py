"""A progress bar for a terminal."""

from __future__ import annotations

import shutil
import sys
from typing import Optional, TextIO

from .replies import JobState

_BAR = 24


def _number(value: Optional[float]) -> str:
    return "-" if value is None else f"{value:.4g}"


class ProgressBar:
    """Draws a job in one line of standard error. Call it with each state of the job."""

    def __init__(self, out: Optional[TextIO] = None) -> None:
        self._out = out or sys.stderr

    def __call__(self, job: JobState) -> None:
        progress, metrics = job["progress"], job["metrics"]
        n_epochs = progress["n_epochs"]
        share = progress["epoch"] / max(n_epochs, 1) if n_epochs is not None else 0.0
        if job["status"] == "succeeded":
            share = 1.0
        of = "" if n_epochs is None else f"/{n_epochs}"  # nobody knows how many a recipe takes
        n_full = int(share * _BAR)
        line = (f"{job['status']} [{'#' * n_full}{'.' * (_BAR - n_full)}] "
                f"epoch {progress['epoch']}{of} "
                f"loss {_number(metrics.get('train_loss'))} "
                f"valid {_number(metrics.get('valid_loss'))} "
                f"(base {_number(metrics.get('baseline_valid_loss'))}, "
                f"persistence {_number(metrics.get('persistence_valid_loss'))})")
        columns = shutil.get_terminal_size().columns - 1
        is_over = job["status"] in ("succeeded", "failed", "cancelled")
        self._out.write("\r" + line[:columns].ljust(columns) + ("\n" if is_over else ""))
        self._out.flush()
