"""Versions of the model that are put and activated while clients step, each by any node."""
import asyncio
import json
import random
import time
from typing import Dict, List, Sequence, Tuple

from asking import Asker
from processes import MODEL, WAIT_SECONDS, Node, Trouble, make_version

PATH = f"/v1/models/{MODEL}"
UNDECIDED = (0, 502, 503, 504)


class Roller:
    """Puts a version and activates it, or activates one that was there before."""

    def __init__(self, nodes: Sequence[Node], seed: int) -> None:
        self.nodes, self.random = nodes, random.Random(seed)
        self.n_made, self.active = 1, 1
        self.asker = Asker()

    async def until(self, method: str, path: str, body: bytes, passes: Sequence[int]) -> bytes:
        """Asks nodes until one has done it: what `passes` is no answer yet."""
        began = time.monotonic()
        while True:
            node = self.random.choice(self.nodes)
            status, text = await self.asker.ask(node.port, method, path, body,
                                                "application/octet-stream")
            if status in (200, 201):
                return text
            if status not in passes or time.monotonic() - began > WAIT_SECONDS:
                raise Trouble(f"{method} {path} on {node.name} was answered {status}, "
                              f"{text.decode()}")
            await asyncio.sleep(0.05)

    async def roll(self) -> None:
        number = self.random.randint(1, self.n_made)
        if number == self.active:
            folder = self.nodes[0].folder
            body = await asyncio.to_thread(make_version, folder, self.n_made + 1)
            await self.until("PUT", PATH, body, UNDECIDED)
            self.n_made += 1
            number = self.n_made
        # A node hears of a version that another one has put within a second.
        await self.until("POST", f"{PATH}/versions/{number}/activate", b"", (*UNDECIDED, 404))
        self.active = number


async def versions_of(asker: Asker, node: Node) -> Tuple[int, Dict[int, str]]:
    """The active one, and the digests of all."""
    status, text = await asker.ask(node.port, "GET", PATH)
    if status != 200:
        raise Trouble(f"GET {PATH} on {node.name} was answered {status}, {text.decode()}")
    model = json.loads(text)
    return model["active_version"], {v["version"]: v["digest"] for v in model["versions"]}


async def await_agreement(nodes: Sequence[Node], active: int) -> List[int]:
    """Until every node has the same versions, and that one active; their numbers."""
    asker, began = Asker(), time.monotonic()
    while True:
        seen = [await versions_of(asker, node) for node in nodes]
        if all(one == seen[0] for one in seen) and seen[0][0] == active:
            asker.close()
            return sorted(seen[0][1])
        if time.monotonic() - began > WAIT_SECONDS:
            raise Trouble(f"version {active} was activated, and the nodes have {seen}")
        await asyncio.sleep(0.02)


async def copy_versions(node: Node, twin: Node, numbers: Sequence[int]) -> None:
    """To a grud that has the first one."""
    asker = Asker()
    for number in numbers[1:]:
        status, file = await asker.ask(node.port, "GET", f"{PATH}/versions/{number}/file")
        if status == 200:
            status, file = await asker.ask(twin.port, "PUT", PATH, file,
                                           "application/octet-stream")
        if status not in (200, 201):
            raise Trouble(f"version {number} was not copied: {status} {file.decode()}")
    _, copied = await versions_of(asker, twin)
    if sorted(copied) != list(numbers):
        raise Trouble(f"copies of the versions {numbers} are {sorted(copied)}")
    asker.close()


async def activate(twin: Node, number: int) -> None:
    asker = Asker()
    status, text = await asker.ask(twin.port, "POST", f"{PATH}/versions/{number}/activate")
    if status != 200:
        raise Trouble(f"version {number} was not activated: {status} {text.decode()}")
    asker.close()
