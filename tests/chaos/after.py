"""After the trouble: what the cluster has against what its clients were told, and against a grud
that nothing happened to."""
import asyncio
import json
import random
from typing import Dict, List, Sequence, Tuple

from asking import Asker
from clients import Figures, Owned, Shared, answer_of, reading, version_of
from processes import MODEL, WAIT_SECONDS, Engine, Node, Trouble
from versions import activate

LINES = 500  # of a batch
Line = Tuple[str, int, Dict[str, object]]  # session, number, step
Told = Dict[int, Dict[int, str]]  # of a session: number, version, answer


def line_of(session: str, number: int, readings_of: int) -> Line:
    return session, number, {"session": session, "x": reading(session, readings_of),
                             "seq": number}


async def send_lines(asker: Asker, port: int, lines: Sequence[Line]) -> List[bytes]:
    body = "".join(json.dumps(line[2]) + "\n" for line in lines).encode()
    status, text = await asker.ask(port, "POST", f"/v1/models/{MODEL}/steps", body,
                                   "application/x-ndjson")
    replies = text.split(b"\n")[:-1]
    if status != 200 or len(replies) != len(lines):
        raise Trouble(f"a batch was answered {status}, {text[:400].decode()}")
    return replies


async def await_quiet(nodes: Sequence[Node]) -> float:
    """Until every node steps again; for how long that took."""
    loop, asker = asyncio.get_running_loop(), Asker()
    began = loop.time()
    for node in nodes:
        path = f"/v1/models/{MODEL}/sessions/quiet-{node.name}/step"
        while True:
            status, text = await asker.ask(node.port, "POST", path, b'{"x":[1,2,3]}')
            if status == 200:
                break
            node.check()
            if loop.time() - began > WAIT_SECONDS:
                raise Trouble(f"{node.name} does not step again: {status} {text.decode()}")
            await asyncio.sleep(0.02)
    asker.close()
    return loop.time() - began


def compare(lines: Sequence[Line], replies: Sequence[bytes], told: Dict[str, Told], version: int,
            figures: Figures) -> None:
    for (session, number, _), reply in zip(lines, replies):
        expected = told[session].get(number, {}).get(version)
        if expected and answer_of(reply) != expected:
            figures.found(f"{session}: step {number} was acknowledged with {expected}, an "
                          f"undisturbed grud says {reply.decode()}")
        figures.compared += bool(expected)


async def compare_twin(twin: Node, versions: Sequence[int], owned: Sequence[Owned],
                       shared: Sequence[Shared], figures: Figures) -> None:
    """All steps once more, on a grud that nothing happens to: with each of the versions."""
    told: Dict[str, Told] = {s.name: {n: {version_of(answer): answer}
                                      for n, answer in s.answers.items()} for s in shared}
    told.update({s.name: dict(enumerate(s.answers, 1)) for s in owned})
    lines = [line_of(s.name, n, n) for s in owned for n in range(1, s.acknowledged + 1)]
    lines += [line_of(s.name, n, 0) for s in shared
              for n in range(1, max(s.answers, default=0) + 1)]
    asker = Asker()
    for version in versions:
        await activate(twin, version)
        for at in range(0, len(lines), LINES):
            part = lines[at:at + LINES]
            own = [(name, n, {**step, "session": f"{name}.{version}"}) for name, n, step in part]
            compare(part, await send_lines(asker, twin.port, own), told, version, figures)
    asker.close()


async def compare_last(nodes: Sequence[Node], owned: Sequence[Owned], figures: Figures,
                       seed: int) -> None:
    """The last acknowledged step again, on any node: it must be the session's last one, since of no
    other there is a whole answer."""
    whose = {s.name: s for s in owned if s.answers}
    lines = [line_of(s.name, s.acknowledged, s.acknowledged) for s in whose.values()]
    random.Random(seed).shuffle(lines)
    asker = Asker()
    for at in range(0, len(lines), LINES):
        part = lines[at:at + LINES]
        node = nodes[at // LINES % len(nodes)]
        for (name, number, _), reply in zip(part, await send_lines(asker, node.port, part)):
            figures.compared += 1
            if answer_of(reply):
                whose[name].note(figures, number, answer_of(reply))
            else:
                figures.found(f"{name}: step {number} was acknowledged, {node.name} says "
                              f"{reply.decode()}")
    asker.close()


async def get_step(asker: Asker, node: Node, session: str) -> int:
    status, text = await asker.ask(node.port, "GET", f"/v1/models/{MODEL}/sessions/{session}")
    if status not in (200, 404):
        raise Trouble(f"GET of {session} on {node.name} was answered {status}, {text.decode()}")
    return int(json.loads(text)["step"]) if status == 200 else 0


async def check_steps(nodes: Sequence[Node], owned: Sequence[Owned], shared: Sequence[Shared],
                      figures: Figures, seed: int) -> None:
    """The numbers that GET gives: of sessions that are shared within bounds, and every node says
    the same."""
    asker = Asker()
    for session in random.Random(seed).sample(list(owned), min(300, len(owned))):
        node = nodes[len(session.name) % len(nodes)]
        step = await get_step(asker, node, session.name)
        if step != session.acknowledged:
            figures.found(f"{session.name}: {session.acknowledged} steps were acknowledged, "
                          f"{node.name} has {step}")
    for one in shared:
        steps = {await get_step(asker, node, one.name) for node in nodes}
        least = max(len(one.answers), *one.answers, 0) if one.answers else 0
        if len(steps) != 1 or not least <= min(steps) <= len(one.answers) + one.n_unknown:
            figures.found(f"{one.name}: {len(one.answers)} steps were acknowledged, the last is "
                          f"{least}, {one.n_unknown} are unknown, the nodes have {steps}")
    asker.close()


async def recorded_by(asker: Asker, node: Node, session: str) -> List[Dict[str, object]]:
    path = f"/v1/models/{MODEL}/sessions/{session}/readings?limit=1000"
    status, text = await asker.ask(node.port, "GET", path)
    if status not in (200, 404):
        raise Trouble(f"GET {path} on {node.name} was answered {status}, {text[:400].decode()}")
    return list(json.loads(text)["readings"]) if status == 200 else []


async def compare_recorded(nodes: Sequence[Node], twin: Node, versions: Sequence[int],
                           owned: Sequence[Owned], figures: Figures, seed: int) -> None:
    """What sessions have recorded: each reading once, and none but those that were stepped. What
    had been forecast for one is what one of the versions does."""
    asker = Asker()
    for session in random.Random(seed).sample(list(owned), min(300, len(owned))):
        node = nodes[len(session.name) % len(nodes)]
        told = await recorded_by(asker, node, session.name)
        expected = [await recorded_by(asker, twin, f"{session.name}.{v}") for v in versions]
        if len(told) != len(expected[0]):
            figures.found(f"{session.name}: {node.name} has recorded {len(told)} readings, an "
                          f"undisturbed grud {len(expected[0])}")
            continue
        for row, rows in zip(told, zip(*expected)):
            if row not in rows:
                figures.found(f"{session.name}: {node.name} has recorded {row}, an undisturbed "
                              f"grud {rows}")
        figures.recorded += len(told)
    asker.close()


def check_index(engine: Engine, figures: Figures) -> None:
    """The engine's lists and its records name the same sessions, and no other has recorded."""
    def keys_of(kind: str) -> List[bytes]:
        found = engine.ask("KEYS", f"grud:{kind}:{MODEL}*")
        assert isinstance(found, list)
        return found

    found = {key.split(b":", 3)[3] for key in keys_of("s")}
    recorded = {name[:-len(b"/r")] for name in found if name.endswith(b"/r")}
    names = {name for name in found if b"/" not in name}
    if recorded - names:
        figures.found(f"{len(recorded - names)} have recorded and are no sessions")
    for index in (f"grud:i:{MODEL}", f"grud:i:{MODEL}:seen"):
        indexed = engine.ask("ZRANGE", index, 0, -1)
        assert isinstance(indexed, list)
        if names - set(indexed):
            figures.found(f"{len(names - set(indexed))} records are not in {index}")
