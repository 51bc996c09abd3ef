"""Fine-tuning jobs: posted, followed, steered, and their version taken or taken back."""

from __future__ import annotations

import sys
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Union, cast

from .errors import GrudError
from .events import follow
from .progress import ProgressBar
from .replies import Event, JobState, Model, Rows
from .transport import LINES, Transport, encode, path

# A series of training data: T readings; or {"x": T × I, "y": T × O}, where y is what the outputs
# should have been.
Series = Union[Rows, Mapping[str, Any]]

_OVER = ("succeeded", "failed", "cancelled")


class Job:
    """One job. `state` is what grud last said of it."""

    def __init__(self, transport: Transport, state: JobState) -> None:
        self._transport = transport
        self.state = state

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.status}>"

    @property
    def id(self) -> str:
        return self.state["id"]

    @property
    def status(self) -> str:
        """validating, queued, running, paused, succeeded, failed or cancelled."""
        return self.state["status"]

    def refresh(self) -> JobState:
        """Asks grud, and returns the state."""
        self.state = cast(JobState, self._transport.json(
            "GET", path("fine_tuning", "jobs", self.id), is_repeatable=True))
        return self.state

    def events(self, after: Optional[str] = None) -> Iterator[Event]:
        """What has happened and what happens, live, until the job ends. A connection that is cut
        goes on where it was. `after` is the id of an event: begins with the one behind it."""
        target = path("fine_tuning", "jobs", self.id, "events")
        for event in follow(self._transport, target, after):
            yield cast(Event, event.data)

    def wait(self, progress: Union[bool, None, Callable[[JobState], None]] = None) -> JobState:
        """Returns the state once the job has ended. A paused job is waited for.

        progress: True draws a bar on standard error, None does so on a terminal; or a function,
        which is called with each state.
        GrudError: the job has failed, with the job's own code and message.
        """
        report = progress if callable(progress) else None
        if report is None and (progress or progress is None and sys.stderr.isatty()):
            report = ProgressBar()
        for _ in self.events():
            if report:
                report(self.refresh())
        self.refresh()
        if report:
            report(self.state)
        error = self.state["error"]
        if error is not None:
            raise GrudError.from_reply({"error": error})
        return self.state

    def pause(self) -> JobState:
        """Lets it rest with what it has learnt. GrudError: job_status_conflict."""
        return self._steer("pause")

    def resume(self) -> JobState:
        """Lets a paused job go on. GrudError: job_status_conflict."""
        return self._steer("resume")

    def cancel(self) -> JobState:
        """Ends it without a version. GrudError: job_status_conflict, if it has ended."""
        return self._steer("cancel")

    def _steer(self, verb: str) -> JobState:
        self.state = cast(JobState, self._transport.json(
            "POST", path("fine_tuning", "jobs", self.id, verb)))
        return self.state

    def promote(self) -> Model:
        """Activates the version that it made, whatever the gate has said."""
        version = self.refresh()["fine_tuned_version"]
        if version is None:
            raise GrudError("job_status_conflict", f"{self.id} is {self.status} and has made no "
                            "version that could be activated")
        return self._activate(version)

    def roll_back(self) -> Model:
        """Activates the version that it began with."""
        return self._activate(self.state["base_version"])

    def _activate(self, version: int) -> Model:
        target = path("models", self.state["model"], "versions", version, "activate")
        return cast(Model, self._transport.json("POST", target, is_repeatable=True))

    def checkpoints(self) -> Iterator[Dict[str, Any]]:
        """Newest first."""
        return _pages(self._transport, path("fine_tuning", "jobs", self.id, "checkpoints"), {})


class Jobs:
    """`client.jobs`; `client.fine_tune` makes one."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, model: Optional[str] = None, status: Optional[str] = None) -> Iterator[Job]:
        """Newest first, fetched a page at a time."""
        for state in _pages(self._transport, path("fine_tuning", "jobs"),
                            {"model": model, "status": status}):
            yield Job(self._transport, cast(JobState, state))

    def get(self, job_id: str) -> Job:
        """GrudError: job_not_found."""
        return Job(self._transport, cast(JobState, self._transport.json(
            "GET", path("fine_tuning", "jobs", job_id), is_repeatable=True)))

    def create(self, request: Dict[str, Any], series: Optional[Iterable[Series]]) -> Job:
        """Posts a job; its series are sent as they come, a line each."""
        target = path("fine_tuning", "jobs")
        if series is None:
            state = self._transport.json("POST", target, request)
        else:
            state = self._transport.decode(self._transport.request(
                "POST", target, _lines(request, series), media=LINES))
        return Job(self._transport, cast(JobState, state))


def _lines(request: Dict[str, Any], series: Iterable[Series]) -> Iterator[bytes]:
    yield encode(request) + b"\n"
    for one in series:
        yield encode(one if isinstance(one, Mapping) else {"x": one}) + b"\n"


def _pages(transport: Transport, target: str,
           query: Mapping[str, object]) -> Iterator[Dict[str, Any]]:
    after: Optional[str] = None
    while True:
        reply = transport.json("GET", target, query={**query, "after": after}, is_repeatable=True)
        yield from reply["data"]
        if not reply["has_more"]:
            return
        after = reply["data"][-1]["id"]
