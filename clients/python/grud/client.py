"""The client: what to do with readings and series, and the way to everything else."""

from __future__ import annotations

import ssl
import uuid
from types import TracebackType
from typing import (
    Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Type, Union, cast, overload
)

from .errors import GrudError
from .jobs import Job, Jobs, Series
from .models import Models
from .replies import (
    At, Crossing, Evaluation, Explain, ForecastReply, Level, Prediction, Reading, Rows, StepReply, X
)
from .rules import Rules
from .sessions import Sessions
from .steps import BATCH, Outcome, Steps
from .transport import Transport, path

# What becomes of a session whose client is gone.
_PREDICT_TTL_SECONDS = 3600


class Client:
    """One grud, over one connection that is kept open. For one thread at a time.

    url: such as "http://127.0.0.1:8080".
    key: one of --api-keys; None where grud asks for none.
    timeout: seconds that connecting, sending or waiting for a reply may take.
    retry_seconds: how long what may be sent again is tried again: after no answer, 429 and 503,
        with Retry-After. That is reading, predicting, restoring, activating, and steps with a
        number or a time. Anything else is sent once.
    count_steps: give each step its number (`seq`), so that it is taken once however often it has
        to be sent. One client at a time may then step a session.
    tls: of an https URL; None trusts what the system trusts.

    Shapes are in capitals: I inputs, O outputs, T rows of a series, H steps ahead. Values are in
    raw units; None and NaN are missing. Each call may raise GrudError.
    """

    def __init__(self, url: str, key: Optional[str] = None, timeout: float = 60.0, *,
                 retry_seconds: float = 60.0, count_steps: bool = True,
                 tls: Optional[ssl.SSLContext] = None) -> None:
        self._transport = Transport(url, key, timeout, retry_seconds, tls)
        self._steps = Steps(self._transport, count_steps)
        self.models = Models(self._transport)
        self.sessions = Sessions(self._transport, self._steps.counts)
        self.jobs = Jobs(self._transport)
        self.rules = Rules(self._transport)

    def close(self) -> None:
        """Closes the connection. The next call opens another one."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    # ---- readings ----

    def step(self, model: str, session: str, x: X, *, at: Optional[At] = None,
             horizon: Optional[int] = None, level: Optional[Level] = None,
             future: Optional[Rows] = None, seq: Optional[int] = None,
             begin: Optional[bool] = None, fill: Optional[bool] = None,
             late: Optional[str] = None, step: Optional[int] = None,
             blend: Optional[bool] = None, crossing: Optional[Crossing] = None,
             anomaly: Optional[bool] = None,
             explain: Union[bool, Explain, None] = None) -> StepReply:
        """One reading in, the forecast of the next one out: `y`, O values.

        x: I values, or by the names of the inputs.
        at: when it was taken, Unix seconds or RFC 3339 text.
        horizon: H, for `forecast`, H × O. level: coverage of `intervals`.
        blend: forecasts are mixed with persistence and others, as far as they have been better.
        future: H × values of the inputs that no output feeds.
        seq: the device's own number of the reading, with `begin` and `fill`; the client counts
            where there is neither `seq` nor `at`.
        late: "amend", with `at` or the number of a `step`, puts a late reading in its place.
        crossing: a threshold, for when the forecast and how probably a reading will cross it.
        anomaly: how unusual this reading was, given what had been forecast for it.
        explain: True, or {"output", "ahead"}: what each input has brought, in `explanation`.

        GrudError: missing_input, late_reading, too_late; sequence_mismatch, if the session is not
        where the client has left it; unreachable, if no answer came in time. Then step again with
        the same x: it is taken once.
        """
        return self._steps.one(model, session, x, _given({
            "at": at, "horizon": horizon, "level": level, "future": future, "seq": seq,
            "begin": begin, "fill": fill, "late": late, "step": step, "blend": blend,
            "crossing": crossing, "anomaly": anomaly, "explain": explain}))

    @overload
    def steps(self, model: str, readings: Iterable[X], *, session: str,
              horizon: Optional[int] = ..., level: Optional[Level] = ...,
              blend: Optional[bool] = ..., crossing: Optional[Crossing] = ...,
              anomaly: Optional[bool] = ..., explain: Union[bool, Explain, None] = ...,
              batch: int = ...) -> Iterator[Outcome]: ...

    @overload
    def steps(self, model: str, readings: Iterable[Union[Reading, Tuple[str, X]]], *,
              horizon: Optional[int] = ..., level: Optional[Level] = ...,
              blend: Optional[bool] = ..., crossing: Optional[Crossing] = ...,
              anomaly: Optional[bool] = ..., explain: Union[bool, Explain, None] = ...,
              batch: int = ...) -> Iterator[Outcome]: ...

    def steps(self, model: str, readings: Iterable[Any], *, session: Optional[str] = None,
              horizon: Optional[int] = None, level: Optional[Level] = None,
              blend: Optional[bool] = None, crossing: Optional[Crossing] = None,
              anomaly: Optional[bool] = None, explain: Union[bool, Explain, None] = None,
              batch: int = BATCH) -> Iterator[Outcome]:
        """A stream: an iterator of readings in, an iterator of replies out, one for each, in order.

        readings: x of one `session`; or Reading(session, x, at, seq), or pairs (session, x).
        batch: readings of a request, and all that is held in memory. A reply comes once its batch
            is full: 1 for readings that arrive live. Readings with `at`, and first ones of a
            session, share a request with other sessions' only.

        A reading that is refused has a GrudError in place of its reply, and the others go on. One
        that was taken when it was sent before, and whose answer was lost with the connection, has
        a reply with "repeated" and without `y`.

        GrudError is raised where no reading can be taken, such as model_not_found, and after
        `retry_seconds` in vain. Go on with the first reading that has no reply.
        """
        items = (Reading(session, item) if session is not None else Reading(*item)
                 for item in readings)
        fields = _given({"horizon": horizon, "level": level, "blend": blend, "crossing": crossing,
                         "anomaly": anomaly, "explain": explain})
        return self._steps.stream(model, items, fields, batch)

    def forecast(self, model: str, session: str, horizon: int, *, level: Optional[Level] = None,
                 future: Optional[Rows] = None, blend: Optional[bool] = None,
                 crossing: Optional[Crossing] = None,
                 explain: Union[bool, Explain, None] = None) -> ForecastReply:
        """Looks H steps ahead without a reading: `forecast`, H × O. Changes nothing.

        GrudError: no_reading, horizon_not_supported.
        """
        fields = {"horizon": horizon, "level": level, "future": future, "blend": blend,
                  "crossing": crossing, "explain": explain}
        return cast(ForecastReply, self._transport.json(
            "POST", path("models", model, "sessions", session, "forecast"), _given(fields),
            is_repeatable=True))

    # ---- series ----

    def predict(self, model: str, x: Rows, *, horizon: Optional[int] = None,
                future: Optional[Rows] = None, level: Optional[Level] = None,
                last: bool = False, version: Optional[int] = None) -> Prediction:
        """A whole series in, T × I; `y` out, T × O, or 1 × O of the `last` row; no session is kept.

        horizon: H, for `forecast` behind the last row, H × O.
        GrudError: request_too_large, beyond --row-max rows; `predict_rows` has no such limit.
        """
        fields = {"x": x, "horizon": horizon, "future": future, "level": level,
                  "return": "last" if last else None, "version": version}
        return cast(Prediction, self._predict(model, fields))

    def predict_many(self, model: str, instances: Iterable[Rows], *,
                     horizon: Optional[int] = None, level: Optional[Level] = None,
                     last: bool = False, version: Optional[int] = None) -> List[Prediction]:
        """The same of several series, whose lengths may differ, in one request."""
        fields = {"instances": [{"x": x} for x in instances], "horizon": horizon, "level": level,
                  "return": "last" if last else None, "version": version}
        return cast("List[Prediction]", self._predict(model, fields)["results"])

    def predict_rows(self, model: str, rows: Iterable[X]) -> Iterator[List[float]]:
        """The `y` of each row, O values, of a series of any length, in slices: by a session that
        lives for this alone. By the version that is active as the rows come.

        GrudError: as soon as a row is refused or its answer is lost.
        """
        session = f"predict-{uuid.uuid4().hex}"
        self.sessions.put(model, session, {"ttl": _PREDICT_TTL_SECONDS})
        try:
            for n, outcome in enumerate(self.steps(model, rows, session=session)):
                if isinstance(outcome, GrudError):
                    raise outcome
                if "y" not in outcome:
                    raise GrudError("unreachable", f"the answer to row {n} was lost: begin again")
                yield outcome["y"]
        finally:
            self.sessions.delete(model, session)

    def evaluate(self, model: str, x: Rows, *, y: Optional[Rows] = None,
                 horizon: Optional[int] = None, season: Optional[int] = None,
                 level: Optional[float] = None, version: Optional[int] = None) -> Evaluation:
        """A back-test: how good forecasts from each row of the series, T × I, would have been.

        y: T × O, of the outputs that feed no input. season: rows in a season, as 24 for hours.
        GrudError: series_too_short, request_too_large (beyond --evaluate-row-max).
        """
        fields = {"x": x, "y": y, "horizon": horizon, "season": season, "level": level,
                  "version": version}
        return cast(Evaluation, self._transport.json(
            "POST", path("models", model, "evaluate"), _given(fields), is_repeatable=True))

    def _predict(self, model: str, fields: Mapping[str, Any]) -> Dict[str, Any]:
        return cast(Dict[str, Any], self._transport.json(
            "POST", path("models", model, "predict"), _given(fields), is_repeatable=True))

    # ---- fine-tuning ----

    def fine_tune(self, model: str, *, series: Optional[Iterable[Series]] = None,
                  sessions: Optional[Iterable[str]] = None, sessions_prefix: Optional[str] = None,
                  version: Optional[int] = None,
                  validation: Union[Mapping[str, Any], None, bool] = None,
                  hyperparameters: Optional[Mapping[str, Any]] = None,
                  recipe: Union[str, Mapping[str, Any], None] = None,
                  promotion: Optional[Mapping[str, Any]] = None, seed: Optional[int] = None,
                  max_seconds: Optional[int] = None, dry_run: Optional[bool] = None,
                  suffix: Optional[str] = None,
                  metadata: Optional[Mapping[str, Any]] = None) -> Job:
        """Trains a copy of the model: on `series` (each T × I, or {"x", "y"}; an iterator is sent
        as it comes), or on what was recorded of `sessions` or of those with a prefix ("" is all).

        recipe: "auto", or {"type": "auto", "horizon": H}: what network and which of the
            hyperparameters is found out by trials. validation: False asks for none. docs/FINE_TUNING.md has every other field. Sent once: a
            second request would be a second job.
        GrudError: invalid_training, job_too_large, queue_full, recording_off.
        """
        given = _given({"sessions": None if sessions is None else list(sessions),
                        "sessions_prefix": sessions_prefix})
        if len(given) + (series is not None) != 1:
            raise ValueError("one of series, sessions and sessions_prefix is the training data")
        request = _given({
            "model": model, "version": version, "validation": validation,
            "hyperparameters": hyperparameters, "recipe": recipe, "promotion": promotion,
            "seed": seed, "max_seconds": max_seconds, "dry_run": dry_run, "suffix": suffix,
            "metadata": metadata})
        if validation is False:
            request["validation"] = None
        if series is None:
            request["training"] = given
        return self.jobs.create(request, series)


def _given(fields: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
