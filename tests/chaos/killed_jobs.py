"""A fine-tuning job whose node is killed, twice: another one goes on with it, and its version is that
of a grud that nothing happened to."""
import asyncio
import json
import math
from typing import Dict, List, Sequence

from asking import Asker
from clients import Figures
from processes import MODEL, WAIT_SECONDS, Node, Trouble

JOBS = "/v1/fine_tuning/jobs"
KILLS, EPOCHS, ROWS = 2, 40, 20000
BODY = json.dumps({
    "model": MODEL, "version": 1, "validation": None, "promotion": {"policy": "manual"},
    "hyperparameters": {"n_epochs": EPOCHS, "early_stopping_patience": None},
    "training": {"series": [{"x": [[round(math.sin(0.1 * t), 4), round(math.cos(0.07 * t), 4), 0]
                                   for t in range(ROWS)]}]}}).encode()


async def post(asker: Asker, node: Node) -> str:
    status, text = await asker.ask(node.port, "POST", JOBS, BODY)
    if status != 202:
        raise Trouble(f"{node.name} answered a job with {status}, {text[:400].decode()}")
    return str(json.loads(text)["id"])


async def await_epoch(asker: Asker, node: Node, job: str, least: int) -> int:
    """Until so many are done, for as long as it goes on; how many are done then."""
    loop, last = asyncio.get_running_loop(), -1
    until = loop.time() + WAIT_SECONDS
    while True:
        status, text = await asker.ask(node.port, "GET", f"{JOBS}/{job}")
        told = json.loads(text) if status == 200 else {}
        epoch = int(told["progress"]["epoch"]) if told else -1
        if epoch >= least and (least < EPOCHS or told["status"] == "succeeded"):
            return epoch
        if told and told["status"] not in ("queued", "running"):
            raise Trouble(f"{node.name} says of the job {text[:600].decode()}")
        if epoch > last:
            last, until = epoch, loop.time() + WAIT_SECONDS
        if loop.time() > until:
            raise Trouble(f"the job does not go on: {status} {text[:600].decode()}")
        await asyncio.sleep(0.05)


class Runners:
    """Who begins with the job, by what the nodes' logs say."""

    def __init__(self, nodes: Sequence[Node], job: str) -> None:
        self.nodes, self.text = nodes, f"job_started job={job}"
        self.begun: Dict[str, int] = {}

    async def find(self) -> Node:
        loop = asyncio.get_running_loop()
        until = loop.time() + WAIT_SECONDS
        while loop.time() < until:
            for node in self.nodes:
                log = (node.folder / f"{node.name}.log").read_text(encoding="utf-8")
                n = log.count(self.text)
                if n > self.begun.get(node.name, 0):
                    self.begun[node.name] = n
                    return node
            await asyncio.sleep(0.05)
        raise Trouble(f"no node says {self.text}")


async def digests(asker: Asker, nodes: Sequence[Node], job: str) -> List[str]:
    """Of the versions that the job has made, at each node that has one."""
    found = []
    for node in nodes:
        status, text = await asker.ask(node.port, "GET", f"/v1/models/{MODEL}")
        versions = json.loads(text)["versions"] if status == 200 else []
        found += [str(v["digest"]) for v in versions if v.get("job") == job]
    return found


async def kill_runners(nodes: Sequence[Node], twin: Node, figures: Figures) -> None:
    asker, epoch = Asker(), 0
    job = await post(asker, nodes[0])
    runners = Runners(nodes, job)
    runner = await runners.find()
    for _ in range(KILLS):
        other = next(node for node in nodes if node is not runner)
        epoch = await await_epoch(asker, other, job, epoch + 2)
        if epoch >= EPOCHS:
            raise Trouble("the job ended before its node was killed")
        await asyncio.to_thread(runner.kill)
        killed, runner = runner, await runners.find()
        killed.start()
        killed.await_port()
    await await_epoch(asker, nodes[0], job, EPOCHS)
    undisturbed = await post(asker, twin)
    await await_epoch(asker, twin, undisturbed, EPOCHS)
    got, expected = await digests(asker, nodes, job), await digests(asker, [twin], undisturbed)
    asker.close()
    if not got or len(expected) != 1 or set(got) != set(expected):
        figures.found(f"the job whose nodes were killed has made {got}, undisturbed {expected}")
        return
    print(f"cluster-test: a job whose node was killed {KILLS} times has made the version of an "
          "undisturbed grud", flush=True)
