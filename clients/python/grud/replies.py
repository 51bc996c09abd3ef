"""What grud takes and answers, as types. docs/API.md says what each field means.

Shapes are in capitals: I inputs, O outputs, T rows of a series, H steps ahead. Values are in raw
units, those of the readings.
"""

from __future__ import annotations

from typing import (
    Any, Dict, List, Mapping, NamedTuple, Optional, Protocol, Sequence, TypedDict, Union
)


class Array(Protocol):
    """An array of numpy, pandas, PyTorch, …"""

    def tolist(self) -> Any: ...


# One reading: I values in the order of the model's inputs, or by their names. None and NaN are
# missing; so is a name that is left out.
X = Union[Sequence[Optional[float]], Mapping[str, Optional[float]], Array]
# T readings.
Rows = Union[Sequence[X], Array]
# When a reading was taken: Unix seconds, or RFC 3339 text with an offset.
At = Union[float, str]
# Coverage of prediction intervals, as 0.9, or several.
Level = Union[float, Sequence[float]]
Values = List[Optional[float]]


class Crossing(TypedDict, total=False):
    """A threshold of an output: either `above` or `below`."""

    output: str
    above: float
    below: float


class Reading(NamedTuple):
    """A reading of a stream of many sessions."""

    session: str
    x: X
    at: Optional[At] = None
    seq: Optional[int] = None


class Interval(TypedDict, total=False):
    level: float
    lower: List[Values]  # H × O
    upper: List[Values]  # H × O
    coverage: Values  # H
    observed: List[int]  # H
    saturated: bool


class Weights(TypedDict, total=False):
    model: float
    persistence: float
    seasonal_naive: float
    level: float


class Blend(TypedDict, total=False):
    """What `y`, `forecast` and `intervals` are mixed of."""

    weights: Weights


class CrossingReply(TypedDict):
    """When a threshold will be crossed. None: never, or there is nothing to calibrate from."""

    ahead: Optional[int]
    probability: Optional[float]
    by_horizon: Optional[Values]  # H


class Anomaly(TypedDict, total=False):
    """How unusual a reading was: of those that are as all others were, a share p has at most p."""

    p_value: float
    by_output: Dict[str, Optional[float]]  # where there are several whose truth comes


class Explain(TypedDict, total=False):
    """Which of the forecasts: of the first output, one step ahead, unless it says more."""

    output: str
    ahead: int


class Contribution(TypedDict):
    name: str
    contribution: float


class Explanation(TypedDict):
    """Why a forecast is what it is: `value` is the sum of all others."""

    output: str
    ahead: int
    value: float
    baseline: float
    state: float
    inputs: List[Contribution]
    residual: float


class StepReply(TypedDict, total=False):
    """A repetition of an earlier step than the last has only session, step and repeated."""

    session: str
    step: int
    version: int
    y: List[float]  # O, or H × O where the model forecasts several steps
    forecast: List[List[float]]  # H × O
    intervals: List[Interval]
    blend: Blend
    crossing: CrossingReply
    anomaly: Optional[Anomaly]  # None: there is nothing to compare with
    explanation: Explanation
    missing: List[str]
    repeated: bool
    filled: int
    restarted: bool
    amended: int


class ForecastReply(TypedDict, total=False):
    session: str
    step: int
    version: int
    forecast: List[List[float]]  # H × O
    intervals: List[Interval]
    blend: Blend
    crossing: CrossingReply
    explanation: Explanation


class Prediction(TypedDict, total=False):
    model: str
    version: int
    y: List[List[float]]  # T × O, or 1 × O of the last row alone
    forecast: List[List[float]]  # H × O
    intervals: List[Interval]


class Figures(TypedDict, total=False):
    """Of a back-test; docs/EVALUATION.md has the formulas. None: cannot be said."""

    n: int
    mae: Optional[float]
    rmse: Optional[float]
    smape: Optional[float]
    mase: Optional[float]
    rse: Optional[float]
    corr: Optional[float]
    skill_vs_persistence: Optional[float]
    skill_vs_seasonal_naive: Optional[float]
    coverage: Optional[float]
    mean_width: Optional[float]
    interval_score: Optional[float]
    pinball: Optional[float]
    n_intervals: int


class FiguresAhead(Figures, total=False):
    ahead: int


class FiguresOfOutput(Figures, total=False):
    output: str


class Evaluation(Figures, total=False):
    model: str
    version: int
    windows: int
    horizon: int
    season: Optional[int]
    level: float
    by_horizon: List[FiguresAhead]
    by_output: List[FiguresOfOutput]


class _SessionLine(TypedDict):
    session: str
    step: int
    version: int
    created_at: float
    last_seen_at: float
    expires_at: Optional[float]


class SessionLine(_SessionLine, total=False):
    """Times are Unix seconds."""

    model: str  # in a list of all models


class PastReading(TypedDict):
    """What a session took in, and what had been forecast for it then. None: not known."""

    step: int
    at: Optional[float]
    x: Values
    y: Optional[Values]


class Version(TypedDict):
    version: int
    created_at: float
    parent: Optional[int]
    job: Optional[str]
    digest: str
    parameters: int
    verified: bool
    metrics: Optional[Dict[str, Optional[float]]]


class Model(TypedDict, total=False):
    name: str
    active_version: int
    versions: List[Version]
    inputs: List[Dict[str, Any]]
    outputs: List[Dict[str, Any]]
    layers: List[Dict[str, Any]]
    activation: str
    horizon_capable: bool
    sessions: int
    drift: Dict[str, Any]


class Progress(TypedDict):
    epoch: int
    n_epochs: Optional[int]  # None: of a recipe
    step: int
    n_steps: Optional[int]


class Trial(TypedDict):
    """A network that a recipe has trained, or a naive forecast."""

    kind: str
    transform: Any
    residual: bool
    width: int
    steps: int
    horizon_loss: int
    all_rows: bool
    state: str
    n_epochs: int
    best_epoch: int
    error: Optional[float]
    chosen: bool


class Recipe(TypedDict):
    type: str
    horizon: int
    trials: List[Trial]


class JobState(TypedDict, total=False):
    """docs/FINE_TUNING.md has every field."""

    id: str
    model: str
    base_version: int
    fine_tuned_version: Optional[int]
    status: str
    created_at: float
    started_at: Optional[float]
    finished_at: Optional[float]
    estimated_finish: Optional[float]
    progress: Progress
    hyperparameters: Optional[Dict[str, Any]]  # None: it has a recipe
    recipe: Optional[Recipe]
    seed: int
    metadata: Optional[Dict[str, Any]]
    trained_steps: int
    metrics: Dict[str, Optional[float]]
    promotion: Dict[str, Any]
    error: Optional[Dict[str, Any]]
    suffix: Optional[str]
    max_seconds: Optional[int]
    dry_run: bool
    durable: bool


class Event(TypedDict):
    """`data` has step, epoch, train_loss, valid_loss, grad_norm and lr where type is "metrics"."""

    id: str
    created_at: float
    level: str
    type: str
    message: str
    data: Optional[Dict[str, Any]]
