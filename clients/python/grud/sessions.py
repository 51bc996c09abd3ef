"""Sessions: which there are, and one of them saved, restored, copied and ended."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Optional, cast

from .events import ServerEvent, follow
from .replies import PastReading, SessionLine
from .steps import Counts
from .transport import Transport, path


class Sessions:
    """`client.sessions`. An unknown session is session_not_found; one that has ended by itself is
    session_expired or session_evicted for up to a day."""

    def __init__(self, transport: Transport, counts: Counts) -> None:
        self._transport = transport
        self._counts = counts

    def list(self, model: Optional[str] = None, prefix: Optional[str] = None,
             page: Optional[int] = None, order: Optional[str] = None) -> Iterator[SessionLine]:
        """All sessions, of a model or of all, in the order of their ids, or the newest first
        ("last_seen"); fetched a page of so many at a time."""
        where = path("sessions") if model is None else path("models", model, "sessions")
        after: Optional[str] = None
        while True:
            reply = self._transport.json(
                "GET", where, is_repeatable=True,
                query={"prefix": prefix, "limit": page, "after": after, "order": order})
            yield from reply["sessions"]
            if not reply["has_more"]:
                return
            after = reply["next"]

    def get(self, model: str, session: str) -> Dict[str, Any]:
        """All that the session is: `step`, `state`, `readings`, `errors`, …; `put` restores it."""
        return cast(Dict[str, Any], self._transport.json(
            "GET", path("models", model, "sessions", session), is_repeatable=True))

    def put(self, model: str, session: str,
            state: Optional[Dict[str, Any]] = None) -> Dict[str, Any]:
        """Restores what `get` gave, bit for bit, over a session that is there; or makes one that
        has made no step: {"ttl": 300}.

        GrudError: digest_mismatch, if the state is of another version's weights and has no
        "rewarm", the readings (T × I) to replay.
        """
        self._counts.forget(model, session)
        return cast(Dict[str, Any], self._transport.json(
            "PUT", path("models", model, "sessions", session), state or {}, is_repeatable=True))

    def fork(self, model: str, session: str, to: str) -> Dict[str, Any]:
        """Copies the session to another id; both step on their own. GrudError: session_exists."""
        self._counts.forget(model, to)
        return cast(Dict[str, Any], self._transport.json(
            "POST", path("models", model, "sessions", session, "fork"), {"to": to}))

    def readings(self, model: str, session: str, before: Optional[int] = None,
                 page: Optional[int] = None) -> Iterator[PastReading]:
        """What the session took in, and what had been forecast for it then; newest first, fetched
        a page of so many at a time. `before` is a step: begins with the one before it."""
        while True:
            reply = self._transport.json(
                "GET", path("models", model, "sessions", session, "readings"), is_repeatable=True,
                query={"limit": page, "before": before})
            yield from reversed(reply["readings"])
            if not reply["has_more"]:
                return
            before = reply["readings"][0]["step"]

    def events(self, model: str, session: str,
               after: Optional[str] = None) -> Iterator[ServerEvent]:
        """The steps of the session as they are made, with `x` and `at`, live, until it ends:
        events of type "step", then "end". A connection that is cut goes on where it was, as far
        as readings are kept. `after` is the id of an event: begins with the one behind it."""
        target = path("models", model, "sessions", session, "events")
        for event in follow(self._transport, target, after):
            yield event
            if event.type == "end":
                return

    def delete(self, model: str, session: str) -> None:
        """Ends the session; its recordings go, too."""
        self._counts.forget(model, session)
        self._transport.json("DELETE", path("models", model, "sessions", session))
