"""Writers that come too late, made on purpose: each must be refused."""
import asyncio
import json

from asking import Asker
from clients import Figures, Owned, path_of, reading, step_once
from link import Cut, Link
from processes import MODEL, WAIT_SECONDS, Engine, Node, Trouble

TOKEN_BYTES = 16


async def refuse_old_token(engine: Engine, node: Node, figures: Figures) -> None:
    """A write of what was read before somebody else's step."""
    asker, name = Asker(), "stale-token"
    key = f"grud:s:{MODEL}:{name}"
    session = Owned(name)
    session.note(figures, 1, await step_once(asker, node.port, session, 1, figures))
    old = engine.ask("GET", key)
    session.note(figures, 2, await step_once(asker, node.port, session, 2, figures))
    new = engine.ask("GET", key)
    asker.close()
    epoch = engine.ask("GET", "grud:epoch")
    if not isinstance(old, bytes) or not isinstance(new, bytes) or old == new:
        raise Trouble(f"the engine has no record at {key}")
    reply = engine.ask("FCALL", "grud_2_write", 3, "grud:epoch", key, f"grud:i:{MODEL}", epoch,
                       old[:TOKEN_BYTES], old, 0, name, -1, "")
    if not isinstance(reply, list) or reply[0] != new or engine.ask("GET", key) != new:
        figures.found("a write with an old token was not refused")
    reply = engine.ask("FCALL", "grud_2_write", 3, "grud:epoch", key, f"grud:i:{MODEL}",
                       b"another", new[:TOKEN_BYTES], old, 0, name, -1, "")
    if not isinstance(reply, Exception) or engine.ask("GET", key) != new:
        figures.found("a write under another epoch was not refused")


async def refuse_late_write(link: Link, linked: Node, other: Node, figures: Figures) -> None:
    """A step whose write is held on its way, while another node makes the same step."""
    asker, late = Asker(), Asker()
    session = Owned("stale-write")
    for number in (1, 2):
        session.note(figures, number,
                     await step_once(asker, linked.port, session, number, figures))
    await link.begin_cut(Cut.LATE)
    body = json.dumps({"x": [9, 9, 9], "seq": 3}).encode()
    began = asyncio.get_running_loop().time()
    status, text = await late.ask(linked.port, "POST", path_of(session.name), body)
    seconds = asyncio.get_running_loop().time() - began
    if status != 503:
        figures.found(f"a step without an engine was answered {status}, {text.decode()}")
    answer = await step_once(asker, other.port, session, 3, figures)
    session.note(figures, 3, answer)
    await link.mend()
    until = asyncio.get_running_loop().time() + WAIT_SECONDS
    while link.n_late_bytes == 0 and asyncio.get_running_loop().time() < until:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.3)
    for node in (other, linked):
        again = ""
        while not again and asyncio.get_running_loop().time() < until:
            again = await step_once(asker, node.port, session, 3, figures)
        if again != answer:
            figures.found(f"a late write was taken: {node.name} answers {again}, not {answer}")
    print(f"cluster-test: a held write of {link.n_late_bytes} bytes arrived after another node's "
          f"and was refused; its client had its 503 after {seconds:.2f} s", flush=True)
    asker.close()
    late.close()


async def refuse_late_node(linked: Node, other: Node, figures: Figures) -> None:
    """A node that is held with steps on their way, and goes on when others have made them."""
    asker, late = Asker(), Asker()
    session = Owned("stale-node")
    for number in range(1, 20):
        held = asyncio.ensure_future(
            late.ask(linked.port, "POST", path_of(session.name),
                     json.dumps({"x": reading(session.name, number), "seq": number}).encode()))
        await asyncio.sleep(0.0002 * number)
        linked.hold()
        answer = ""
        while not answer:
            answer = await step_once(asker, other.port, session, number, figures)
        session.note(figures, number, answer)
        linked.go_on()
        status, text = await held
        if status == 200 and answer.encode() not in text:
            figures.found(f"a held node answered {text.decode()}, another {answer}")
    asker.close()
    late.close()
