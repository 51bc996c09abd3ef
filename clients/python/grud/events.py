"""Server-Sent Events, followed over connections that are cut."""

from __future__ import annotations

import http.client
import json
from typing import Any, Iterator, List, NamedTuple, Optional
from urllib.parse import urlencode

from .errors import GrudError
from .transport import EVENTS, Backoff, Transport


class ServerEvent(NamedTuple):
    """One event. `id` is what `after` takes."""

    type: str
    id: Optional[str]
    data: Any


def follow(transport: Transport, target: str, after: Optional[str] = None,
           prefix: Optional[str] = None) -> Iterator[ServerEvent]:
    """What happens, live, until grud says that nothing is left to come. A connection that is cut
    goes on behind the last event that came whole."""
    if prefix is not None:
        target += "?" + urlencode({"prefix": prefix})
    backoff = Backoff(transport.retry_seconds)
    while True:
        connection = transport.connect()
        try:
            headers = {"Accept": EVENTS, **({} if after is None else {"Last-Event-ID": after})}
            with transport.send(connection, "GET", target, headers=headers) as response:
                if response.status == 204:
                    return
                try:
                    for event in _parse(response):
                        after = event.id if event.id is not None else after
                        yield event
                finally:  # the time begins with the cut, however long there was nothing to tell
                    backoff = Backoff(transport.retry_seconds)
            backoff.wait(transport.unreachable(EOFError("the events have ended")))
        except (OSError, http.client.HTTPException) as error:
            backoff.wait(transport.unreachable(error))
        except GrudError as error:
            backoff.wait(error)
        finally:
            connection.close()


def _parse(response: http.client.HTTPResponse) -> Iterator[ServerEvent]:
    """Of WHATWG HTML, 9.2.6. An event that is cut off is none."""
    kind, last, data = "message", None, []  # type: str, Optional[str], List[str]
    for raw in response:
        name, _, value = raw.decode().rstrip("\r\n").partition(":")
        value = value[1:] if value.startswith(" ") else value
        if raw in (b"\n", b"\r\n"):
            if data:
                yield ServerEvent(kind, last, json.loads("\n".join(data)))
            kind, data = "message", []
        elif name == "data":
            data.append(value)
        elif name == "event":
            kind = value
        elif name == "id":
            last = value
