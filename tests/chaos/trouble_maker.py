"""What happens to the cluster while its clients step: one thing after another, drawn from a
seed."""
import asyncio
import collections
import random
from typing import Awaitable, Callable, Counter, Sequence

from link import Cut, Link
from processes import Engine, Node, Process
from versions import Roller

Kind = Callable[[], Awaitable[None]]
HELD_SECONDS = 5  # of a node: longer than the engine is waited for


class TroubleMaker:
    """Kills, holds and cuts, and puts right what it did before the next of a kind."""

    def __init__(self, engine: Engine, nodes: Sequence[Node], link: Link, seed: int) -> None:
        self.engine, self.nodes, self.link = engine, nodes, link
        self.roller = Roller(nodes, seed)
        self.random = random.Random(seed)
        self.done: Counter[str] = collections.Counter()

    async def rest(self, least: float, most: float) -> None:
        await asyncio.sleep(self.random.uniform(least, most))

    async def run(self, ends: asyncio.Event) -> None:
        """To nodes, to the engine, to the link and to the versions at the same time."""
        await asyncio.gather(self.lane(ends, [self.kill_node, self.hold_node]),
                             self.lane(ends, [self.kill_engine, self.hold_engine]),
                             self.lane(ends, [self.cut_link]), self.lane(ends, [self.roll]))

    async def lane(self, ends: asyncio.Event, kinds: Sequence[Kind]) -> None:
        """Each kind in turn, in another order each time."""
        while True:
            for kind in self.random.sample(kinds, len(kinds)):
                await self.rest(0.5, 4)
                if ends.is_set():
                    return
                for process in (self.engine, *self.nodes):
                    process.check()
                await kind()

    async def kill(self, process: Process) -> None:
        """Clients go on meanwhile: on a busy machine threads of low priority take long to die."""
        await asyncio.to_thread(process.kill)

    async def kill_node(self) -> None:
        node = self.random.choice(self.nodes)
        await self.kill(node)
        self.done["nodes killed"] += 1
        await self.rest(0, 1)
        node.start()

    async def hold_node(self) -> None:
        node = self.random.choice(self.nodes)
        node.hold()
        self.done["nodes held"] += 1
        await asyncio.sleep(HELD_SECONDS)
        node.go_on()

    async def kill_engine(self) -> None:
        await self.kill(self.engine)
        self.done["engine killed"] += 1
        await self.rest(0, 1)
        self.engine.start()

    async def hold_engine(self) -> None:
        self.engine.hold()
        self.done["engine held"] += 1
        await self.rest(0.1, 2.5)
        self.engine.go_on()

    async def cut_link(self) -> None:
        await self.link.begin_cut(self.random.choice(list(Cut)))
        self.done["links cut"] += 1
        await self.rest(0.5, 4)
        await self.link.mend()

    async def roll(self) -> None:
        await self.roller.roll()
        self.done["versions rolled"] += 1
