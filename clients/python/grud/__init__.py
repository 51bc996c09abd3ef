"""A client of grud, which serves GRU and LSTM forecasting models over HTTP.

`Client` is where to begin."""

from .client import Client
from .errors import GrudError
from .events import ServerEvent
from .jobs import Job
from .replies import (
    Anomaly, Blend, Crossing, CrossingReply, Evaluation, Event, Explain, Explanation, ForecastReply,
    Interval, JobState, Model, PastReading, Prediction, Reading, SessionLine, StepReply
)

__all__ = [
    "Anomaly", "Blend", "Client", "Crossing", "CrossingReply", "Evaluation", "Event", "Explain",
    "Explanation", "ForecastReply", "GrudError", "Interval", "Job", "JobState", "Model",
    "PastReading", "Prediction", "Reading", "ServerEvent", "SessionLine", "StepReply"
]
