"""Requests over a kept connection: keys, JSON, errors, and which failures are tried again."""

from __future__ import annotations

import http.client
import json
import math
import random
import ssl
import time
from typing import Any, Iterable, Mapping, Optional, Union
from urllib.parse import quote, urlencode, urlsplit

from .errors import GrudError

JSON = "application/json"
LINES = "application/x-ndjson"
OCTETS = "application/octet-stream"
EVENTS = "text/event-stream"

_DELAY_FIRST_SECONDS = 0.05
_DELAY_MAX_SECONDS = 5.0

_CUT_ADVICE = ("; it was closed before all of the body was sent, which may be far larger than "
               "grud's --body-max, or --training-max for training data")

Body = Union[bytes, Iterable[bytes], None]


def path(*parts: object) -> str:
    """/v1/… of these names."""
    return "/v1/" + "/".join(quote(str(part), safe=":~") for part in parts)


def plain(value: Any) -> Any:
    """The value as JSON has it: NaN is None, arrays (of numpy and others) are lists."""
    if isinstance(value, float):
        return None if math.isnan(value) else value
    if isinstance(value, (str, int)) or value is None:
        return value
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return [plain(item) for item in value]


def encode(value: Any) -> bytes:
    # Infinity goes as it is: grud refuses it, and names its place.
    return json.dumps(plain(value), separators=(",", ":")).encode()


class Backoff:
    """Waits between tries, longer each time, for so many seconds in all."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._delay = _DELAY_FIRST_SECONDS

    def wait(self, error: GrudError) -> None:
        """Sleeps before the next try; raises the error if none is left."""
        delay = self._delay * random.uniform(0.5, 1.0)
        if error.retry_after is not None:
            delay = max(delay, error.retry_after)
        if not error.is_passing or time.monotonic() + delay > self._end:
            raise error
        time.sleep(delay)
        self._delay = min(2 * self._delay, _DELAY_MAX_SECONDS)


class Transport:
    """One grud, and one connection to it. For one thread at a time."""

    def __init__(self, url: str, key: Optional[str], timeout: float, retry_seconds: float,
                 tls: Optional[ssl.SSLContext]) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} must be a URL like http://127.0.0.1:8080")
        self._is_tls = parts.scheme == "https"
        self._host = parts.hostname
        self._port = parts.port or (443 if self._is_tls else 80)
        self._base = parts.path.rstrip("/")
        self._key = key
        self._timeout = timeout
        self._tls = tls
        self._kept: Optional[http.client.HTTPConnection] = None
        self.retry_seconds = retry_seconds

    def close(self) -> None:
        if self._kept:
            self._kept.close()
        self._kept = None

    def connect(self) -> http.client.HTTPConnection:
        if self._is_tls:
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout,
                context=self._tls or ssl.create_default_context())
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout)

    def send(self, connection: http.client.HTTPConnection, method: str, target: str,
             body: Body = None, headers: Optional[Mapping[str, str]] = None
             ) -> http.client.HTTPResponse:
        """Sends a request and reads the head of its reply; raises GrudError for a status of
        400 and above."""
        all_headers = dict(headers or {})
        if self._key is not None:
            all_headers["Authorization"] = "Bearer " + self._key
        is_cut = False
        try:
            try:
                connection.request(method, self._base + target, body, all_headers,
                                   encode_chunked=not isinstance(body, (bytes, type(None))))
            except (BrokenPipeError, ConnectionResetError):
                is_cut = True  # grud may have said why, in an answer that has arrived
            response = connection.getresponse()
            # http.client takes a head that is cut off for a whole one.
            is_whole = response.length is not None or response.chunked
            if is_whole and response.status < 400:
                return response
            with response:
                text = response.read()
            if not is_whole:
                raise http.client.IncompleteRead(text)
        except (OSError, http.client.HTTPException) as error:
            raise self.unreachable(error, _CUT_ADVICE if is_cut else "") from error
        raise _refusal(response, text)

    def unreachable(self, error: Exception, advice: str = "") -> GrudError:
        return GrudError("unreachable", f"no whole answer from {self._host}: "
                         f"{error or type(error).__name__}{advice}")

    def once(self, method: str, target: str, body: Body = None, *, media: str = JSON,
             is_kept: bool = True) -> bytes:
        """The body of the reply, after one try. What may not be sent twice asks for a connection
        of its own: a kept one may have been closed in the meantime."""
        headers = {"Content-Type": media} if body is not None else {}
        connection = (self._kept if is_kept else None) or self.connect()
        if is_kept:
            self._kept = None
        is_whole = False
        try:
            with self.send(connection, method, target, body, headers) as response:
                text = response.read()
            is_whole = True
        except (OSError, http.client.HTTPException) as error:
            raise self.unreachable(error) from error
        except GrudError as error:
            is_whole = error.code != "unreachable"
            raise
        finally:
            if is_kept and is_whole:
                self._kept = connection
            else:
                connection.close()
        return text

    def request(self, method: str, target: str, body: Body = None, *, media: str = JSON,
                query: Optional[Mapping[str, object]] = None, is_repeatable: bool = False) -> bytes:
        """The body of the reply. What is repeatable is tried again for `retry_seconds` after no
        answer, 429 and 503; anything else is sent once."""
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        if asked:
            target += "?" + urlencode(asked)
        backoff = Backoff(self.retry_seconds if is_repeatable else 0)
        while True:
            try:
                return self.once(method, target, body, media=media, is_kept=is_repeatable)
            except GrudError as error:
                if not is_repeatable:
                    raise
                backoff.wait(error)

    def json(self, method: str, target: str, value: Any = None, *,
             query: Optional[Mapping[str, object]] = None, is_repeatable: bool = False) -> Any:
        """The same, of JSON for JSON; None for an empty reply."""
        body = None if value is None else encode(value)
        text = self.request(method, target, body, query=query, is_repeatable=is_repeatable)
        return self.decode(text) if text else None

    def decode(self, text: bytes) -> Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise GrudError("unexpected_reply", f"the reply is not JSON: is {self._host} a grud?"
                            ) from error


def _refusal(response: http.client.HTTPResponse, text: bytes) -> GrudError:
    after = response.headers.get("Retry-After", "")
    try:
        reply = json.loads(text)
    except ValueError:
        reply = None
    return GrudError.from_reply(reply, response.status, float(after) if after.isdigit() else None)
