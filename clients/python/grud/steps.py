"""Steps of sessions, counted so that each is taken once, however often it has to be sent.

A step's `seq` is the number that it must get. grud answers the same `seq` and reading again without
a second step, so a step whose answer was lost is sent again as it was. The client counts for each
session; what it has not counted yet it learns from the first answer.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple, Union, cast

from .errors import GrudError
from .replies import Reading, StepReply, X
from .transport import LINES, Backoff, Transport, encode, path

# No session gets this far, so grud refuses it and says which number it expects.
_SEQ_UNKNOWN = 2**53 - 1
_SESSIONS_COUNTED_MAX = 100_000
BATCH = 64

Outcome = Union[StepReply, GrudError]


class Counts:
    """The number of the next step, of the sessions that were used last."""

    def __init__(self) -> None:
        self._next: OrderedDict[Tuple[str, str], int] = OrderedDict()

    def get(self, model: str, session: str) -> int:
        return self._next.get((model, session), _SEQ_UNKNOWN)

    def set(self, model: str, session: str, number: int) -> None:
        self._next[model, session] = number
        self._next.move_to_end((model, session))
        if len(self._next) > _SESSIONS_COUNTED_MAX:
            self._next.popitem(last=False)

    def forget(self, model: str, session: str) -> None:
        self._next.pop((model, session), None)


class _Line:
    """A reading of a batch, until it has its outcome."""

    def __init__(self, reading: Reading, is_counted: bool) -> None:
        self.reading = reading
        self.is_counted = is_counted
        self.seq = reading.seq
        self.is_open = False  # it was sent, and its answer was lost
        self.outcome: Optional[Outcome] = None

    @property
    def is_repeatable(self) -> bool:
        """Whether grud knows it again, by its number or its time."""
        return self.is_counted or self.seq is not None or self.reading.at is not None

    @property
    def has_number(self) -> bool:
        return self.seq is not None and self.seq != _SEQ_UNKNOWN


class Steps:
    """The steps of one client."""

    def __init__(self, transport: Transport, is_counting: bool) -> None:
        self._transport = transport
        self._is_counting = is_counting
        self.counts = Counts()

    def one(self, model: str, session: str, x: X, fields: Dict[str, Any]) -> StepReply:
        """One step; `fields` are its further ones."""
        target = path("models", model, "sessions", session, "step")
        own = bool(fields.keys() & {"seq", "at", "step"})
        if own or not self._is_counting:
            self.counts.forget(model, session)
            return cast(StepReply, self._transport.json(
                "POST", target, {"x": x, **fields}, is_repeatable=own))
        while True:
            seq = self.counts.get(model, session)
            try:
                reply = self._transport.json("POST", target, {"x": x, "seq": seq, **fields},
                                             is_repeatable=True)
            except GrudError as error:
                if error.expected is not None and seq == _SEQ_UNKNOWN:
                    self.counts.set(model, session, error.expected)
                    continue
                if error.expected is not None:
                    self.counts.forget(model, session)
                raise
            self.counts.set(model, session, reply["step"] + 1)
            return cast(StepReply, reply)

    def stream(self, model: str, readings: Iterable[Reading], fields: Dict[str, Any],
               n_batch: int) -> Iterator[Outcome]:
        """An outcome for each reading, in order."""
        batch: List[_Line] = []
        for reading in readings:
            is_counted = self._is_counting and reading.seq is None and reading.at is None
            batch.append(_Line(reading, is_counted))
            if len(batch) >= n_batch:
                yield from self._finish(model, batch, fields)
                batch = []
        yield from self._finish(model, batch, fields)

    def _finish(self, model: str, batch: List[_Line], fields: Dict[str, Any]) -> Iterator[Outcome]:
        """Sends what has no outcome yet, until all lines have theirs."""
        backoff = Backoff(self._transport.retry_seconds)
        n_before = len(batch)
        while n_before > 0:
            lines = self._choose(model, [line for line in batch if line.outcome is None])
            failure = self._send(model, batch, lines, fields)
            n_left = sum(line.outcome is None for line in batch)
            if n_left < n_before:
                backoff = Backoff(self._transport.retry_seconds)
            if failure:
                backoff.wait(failure)
            n_before = n_left
        for line in batch:
            assert line.outcome is not None
            yield line.outcome

    def _choose(self, model: str, waiting: List[_Line]) -> List[_Line]:
        """Those that go together: of each session one, or those whose numbers keep their order."""
        chosen: List[_Line] = []
        closed: Set[str] = set()  # sessions of which no more may go
        n_of: Dict[str, int] = {}
        for line in waiting:
            session = line.reading.session
            n = n_of.get(session, 0)
            if line.is_counted:
                first = self.counts.get(model, session)
                line.seq = first if first == _SEQ_UNKNOWN else first + n
            if session in closed or (n > 0 and not line.has_number):
                closed.add(session)
                continue
            if not line.has_number:
                closed.add(session)
            n_of[session] = n + 1
            chosen.append(line)
        return chosen

    def _send(self, model: str, batch: List[_Line], lines: List[_Line],
              fields: Dict[str, Any]) -> Optional[GrudError]:
        """Returns what to wait for before the next try, if anything."""
        body = b"".join(_encode_line(line, fields) for line in lines)
        replies: List[Any] = []
        failure: Optional[GrudError] = None
        try:
            text = self._transport.once("POST", path("models", model, "steps"), body, media=LINES)
            replies = [self._transport.decode(reply) for reply in text.splitlines()]
        except GrudError as error:
            if not all(line.is_repeatable for line in lines):
                raise
            failure = error
        if failure is None and len(replies) < len(lines):
            failure = GrudError("unreachable", "grud has answered a part of the lines")
        failed: Set[str] = set()  # sessions of which a line was not taken
        for line, reply in zip(lines, replies):
            failure = self._take(model, batch, line, reply, failed) or failure
        for line in lines[len(replies):]:
            line.is_open = True
        return failure

    def _take(self, model: str, batch: List[_Line], line: _Line, reply: Any,
              failed: Set[str]) -> Optional[GrudError]:
        """Gives a line its outcome, or leaves it for another try; returns what that waits for."""
        session = line.reading.session
        was_open, line.is_open = line.is_open, False
        if "error" not in reply:
            line.outcome = cast(StepReply, reply)
            if line.is_counted:
                self.counts.set(model, session, reply["step"] + 1)
            else:
                self.counts.forget(model, session)
            return None
        error = GrudError.from_reply(reply)
        is_behind = session in failed
        failed.add(session)
        if error.is_passing and line.is_repeatable:
            return error
        if error.expected is not None and is_behind:
            return None  # only because the one before it was not taken
        if error.expected is not None and line.seq == _SEQ_UNKNOWN:
            self.counts.set(model, session, error.expected)
            return None
        if was_open and line.seq is not None and _was_taken(batch, line, error.expected):
            line.outcome = {"session": session, "step": line.seq, "repeated": True}
            failed.discard(session)
            if line.is_counted:
                self.counts.set(model, session, line.seq + 1)
            return None
        if error.expected is not None:
            self.counts.forget(model, session)
        line.outcome = error
        return None


def _was_taken(batch: List[_Line], line: _Line, expected: Optional[int]) -> bool:
    """Whether a session that expects this number has taken the line when it was sent before.
    grud itself says so only of the readings that it keeps (--session-history)."""
    newest = max(other.seq or 0 for other in batch if other.reading.session == line.reading.session)
    return expected is not None and (line.seq or 0) < expected <= newest + 1


def _encode_line(line: _Line, fields: Dict[str, Any]) -> bytes:
    reading = line.reading
    step: Dict[str, Any] = {"session": reading.session, "x": reading.x, **fields}
    if line.seq is not None:
        step["seq"] = line.seq
    if reading.at is not None:
        step["at"] = reading.at
    return encode(step) + b"\n"
