"""HTTP/1.1 over connections that are kept: the least that clients need, since they must leave the
processors to what they test."""
import asyncio
from typing import Dict, Optional, Tuple

from processes import WAIT_SECONDS

Stream = Tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Hangs(Exception):
    """No answer came, and the connection was not closed either."""


class Asker:
    """One client's connections, one to each port."""

    def __init__(self) -> None:
        self.streams: Dict[int, Stream] = {}

    async def ask(self, port: int, method: str, path: str, body: bytes = b"",
                  kind: str = "application/json") -> Tuple[int, bytes]:
        """Status and body; 0: there was no answer, and what became of it is not known."""
        try:
            return await asyncio.wait_for(self.exchange(port, method, path, body, kind),
                                          WAIT_SECONDS)
        except asyncio.TimeoutError:
            self.drop(port)
            raise Hangs(f"{method} {path}") from None
        except (OSError, EOFError, asyncio.LimitOverrunError, ValueError):
            self.drop(port)
            return 0, b""

    async def exchange(self, port: int, method: str, path: str, body: bytes,
                       kind: str) -> Tuple[int, bytes]:
        stream = self.streams.get(port)
        if stream is None:
            stream = await asyncio.open_connection("127.0.0.1", port, limit=1 << 26)
            self.streams[port] = stream
        reader, writer = stream
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = field(head, b"content-length")
        if field(head, b"transfer-encoding"):
            text = await read_chunks(reader)
        else:
            text = await reader.readexactly(int(length)) if length else b""
        if field(head, b"connection") == b"close":
            self.drop(port)
        return int(head[9:12]), text

    def drop(self, port: int) -> None:
        stream = self.streams.pop(port, None)
        if stream:
            stream[1].transport.abort()

    def close(self) -> None:
        for port in list(self.streams):
            self.drop(port)


def field(head: bytes, name: bytes) -> Optional[bytes]:
    at = head.find(b"\r\n" + name + b":")
    if at < 0:
        return None
    begin = at + len(name) + 3
    return head[begin:head.index(b"\r\n", begin)].strip()


async def read_chunks(reader: asyncio.StreamReader) -> bytes:
    text = b""
    while True:
        n = int(await reader.readuntil(b"\r\n"), 16)
        piece = await reader.readexactly(n + 2)
        if n == 0:
            return text
        text += piece[:-2]
