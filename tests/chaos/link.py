"""A link between a node and the engine that can be cut: a small TCP proxy in the test's loop."""
import asyncio
import enum
from typing import Optional, Set

from processes import free_port

PIECE = 1 << 16


class Cut(enum.Enum):
    """What a cut link does."""
    CLOSED = "connections are reset, and none is taken"
    SILENT = "nothing passes; what was sent meanwhile is lost"
    LATE = "nothing passes; what was sent meanwhile arrives when it is mended"


class Link:
    """Listens on its port and passes everything on to the engine's."""

    def __init__(self, engine_port: int) -> None:
        self.engine_port, self.port = engine_port, free_port()
        self.cut: Optional[Cut] = None
        self.mended = asyncio.Event()
        self.mended.set()
        self.tasks: Set[asyncio.Task] = set()
        self.server: Optional[asyncio.AbstractServer] = None
        self.n_late_bytes = 0

    async def open(self) -> None:
        self.server = await asyncio.start_server(self.take, "127.0.0.1", self.port)

    def close(self) -> None:
        if self.server:
            self.server.close()
        for task in list(self.tasks):
            task.cancel()

    async def begin_cut(self, cut: Cut) -> None:
        self.cut = cut
        self.mended.clear()
        if cut is Cut.CLOSED:
            self.close()

    async def mend(self) -> None:
        was, self.cut = self.cut, None
        self.mended.set()
        if was is Cut.CLOSED:
            await self.open()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self.tasks.add(task)
        far_writer: Optional[asyncio.StreamWriter] = None
        try:
            await self.mended.wait()
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.engine_port)
            forth = asyncio.ensure_future(self.carry(reader, far_writer))
            back = asyncio.ensure_future(self.carry(far_reader, writer))
            try:
                await back
                await asyncio.wait_for(forth, 1)
            finally:
                forth.cancel()
                back.cancel()
        except (OSError, asyncio.TimeoutError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            for one in (writer, far_writer):
                if one:
                    one.transport.abort()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What a LATE cut has held back goes on its way even if its sender has gone by then."""
        while piece := await reader.read(PIECE):
            if self.cut is Cut.SILENT:
                await self.mended.wait()
                raise OSError("the stream lacks what was lost")
            if self.cut is Cut.LATE:
                await self.mended.wait()
                self.n_late_bytes += len(piece)
            writer.write(piece)
            await writer.drain()
        await self.mended.wait()
        writer.write_eof()
