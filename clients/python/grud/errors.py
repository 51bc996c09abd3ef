"""The one error that this package raises for what grud, or the way to it, refuses."""

from __future__ import annotations

from typing import Any, Mapping, Optional

# Codes of lines and requests that may well succeed a moment later; docs/API.md has all codes.
_PASSING = frozenset(
    ("overloaded", "not_ready", "rate_limited", "too_many_connections", "out_of_memory",
     "storage_failed", "unreachable")
)

_SEQUENCE_HELP = (
    "; the client's count of this session is not grud's: another program steps it too, it has "
    "expired, it was deleted or restored, or an earlier reading whose answer was lost has been "
    "taken. The next step of this client asks grud for its count"
)


class GrudError(Exception):
    """A request, or one reading of a stream, that failed.

    code: stable, such as "session_expired" (docs/API.md lists them). "unreachable", the client's
        own: no whole answer came, so it is open whether the request was done.
    message: what was wrong and what was expected.
    param: the path of the field, such as "x[3]", or None.
    status: the HTTP status; 0 where there is none: for a reading of a stream, a failed job, and
        what was unreachable.
    expected: of sequence_mismatch, the number that the session's next step gets.
    retry_after: seconds after which grud asks to try again, or None.
    details: the error object as grud sent it.
    """

    def __init__(self, code: str, message: str, param: Optional[str] = None, status: int = 0,
                 retry_after: Optional[float] = None,
                 details: Optional[Mapping[str, Any]] = None) -> None:
        self.code = code
        self.message = message + (_SEQUENCE_HELP if code == "sequence_mismatch" else "")
        self.param = param
        self.status = status
        self.retry_after = retry_after
        self.details: Mapping[str, Any] = details or {}
        self.expected: Optional[int] = self.details.get("expected")
        super().__init__(f"{code}: {self.message}")

    @property
    def is_passing(self) -> bool:
        """Whether the same may succeed a moment later."""
        return self.status in (429, 503) or self.code in _PASSING

    @classmethod
    def from_reply(cls, reply: Any, status: int = 0,
                   retry_after: Optional[float] = None) -> GrudError:
        """From {"error": {…}}. What is no such object came from something between, as a proxy."""
        error = reply.get("error") if isinstance(reply, dict) else None
        if not isinstance(error, dict):
            return cls("unexpected_reply", f"HTTP {status} without an error of grud's: is the URL "
                       "that of a grud?", None, status, retry_after)
        return cls(error.get("code", ""), error.get("message", ""), error.get("param"), status,
                   retry_after, error)
