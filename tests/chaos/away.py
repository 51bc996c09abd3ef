"""The engine is away for a while: what is answered meanwhile, and how soon it goes on afterwards."""
import asyncio
import json
from typing import Callable, Dict, Sequence, Tuple

from after import await_quiet
from asking import Asker
from clients import Figures
from processes import MODEL, WAIT_SECONDS, Engine, Node, Trouble

READY_SECONDS = 5  # that nodes stay ready without their engine
SESSION = f"/v1/models/{MODEL}/sessions/away"
Route = Tuple[str, str, bytes, int]
ROUTES: Dict[str, Route] = {
    "predict": ("POST", f"/v1/models/{MODEL}/predict",
                json.dumps({"x": [[1, 2, 3], [4, 5, 6]]}).encode(), 200),
    "health": ("GET", "/healthz", b"", 200),
    "step": ("POST", f"{SESSION}/step", b'{"x":[1,2,3]}', 503),
    "get": ("GET", SESSION, b"", 503),
    "put": ("PUT", SESSION, b'{"ttl":300}', 503),
    "fork": ("POST", f"{SESSION}/fork", b'{"to":"away-2"}', 503),
    "forecast": ("POST", f"{SESSION}/forecast", b'{"horizon":1}', 503),
    "delete": ("DELETE", SESSION, b"", 503),
}


async def ask_on(node: Node, seconds: float, slowest: Dict[str, float],
                 figures: Figures) -> None:
    loop, asker = asyncio.get_running_loop(), Asker()
    until = loop.time() + seconds
    while loop.time() < until:
        for name, (method, path, body, wanted) in ROUTES.items():
            began = loop.time()
            status, text = await asker.ask(node.port, method, path, body)
            slowest[name] = max(slowest.get(name, 0), loop.time() - began)
            if status != wanted:
                figures.found(f"with the engine away {name} on {node.name} was answered "
                              f"{status}, {text[:300].decode()}")
        await asyncio.sleep(0.05)
    asker.close()


async def await_readiness(nodes: Sequence[Node], wanted: int) -> float:
    """Until every node says so; for how long that took."""
    loop, asker = asyncio.get_running_loop(), Asker()
    began = loop.time()
    for node in nodes:
        while (status := (await asker.ask(node.port, "GET", "/readyz"))[0]) != wanted:
            if loop.time() - began > WAIT_SECONDS:
                raise Trouble(f"{node.name} answers /readyz with {status}, and not {wanted}")
            await asyncio.sleep(0.02)
    asker.close()
    return loop.time() - began


async def be_away(nodes: Sequence[Node], seconds: float, how: str, leave: Callable[[], None],
                  come_back: Callable[[], None], figures: Figures) -> None:
    slowest: Dict[str, float] = {}
    leave()
    await asyncio.gather(*(ask_on(node, seconds, slowest, figures) for node in nodes))
    if seconds > READY_SECONDS:
        await await_readiness(nodes, 503)
    come_back()
    recovery = await await_quiet(nodes)
    ready = await await_readiness(nodes, 200)
    worst = ", ".join(f"{name} {s:.2f}" for name, s in slowest.items())
    print(f"cluster-test: engine {how} for {seconds:g} s; slowest answers in s: {worst}; all nodes "
          f"step {recovery:.2f} s after it is back, and are ready {ready:.2f} s later", flush=True)


async def engine_away(engine: Engine, nodes: Sequence[Node], seconds: float,
                      figures: Figures) -> None:
    """Gone, and then there without answering."""
    def come_back() -> None:
        engine.start()
        engine.await_ready()

    await await_quiet(nodes)
    await be_away(nodes, seconds, "killed", engine.kill, come_back, figures)
    await be_away(nodes, min(seconds, 8), "held", engine.hold, engine.go_on, figures)
