#!/usr/bin/env python3
"""The test of a cluster: nodes and the engine are killed, held and cut off while clients step, and
nothing that they acknowledged may be lost, done twice or wrong.

    chaos.py [--seconds N] [--seed N] [--away N] [--clients N] [--sessions N]

The program is $GRUD, or build/grud; the engine is $ENGINE, or first redis-server and then, where
there is one, valkey-server. All is on 127.0.0.1, in a folder that stays if something was found."""
import argparse
import asyncio
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
from typing import List, Sequence

from after import (await_quiet, check_index, check_steps, compare_last, compare_recorded,
                   compare_twin)
from away import engine_away
from clients import Figures, GivesUp, Owned, Shared, Ways, run_owner, run_sharer
from killed_jobs import kill_runners
from link import Link
from processes import Engine, Node, Process, Router, Trouble, make_model
from stale import refuse_late_node, refuse_late_write, refuse_old_token
from trouble_maker import TroubleMaker
from versions import await_agreement, copy_versions

SHARERS, SHARED = 2, 60
RECORD = ("--record", "1000")
SANITIZERS = ("Sanitizer", "runtime error:")


def say(what: str) -> None:
    print(f"cluster-test: {what}", flush=True)


class Cluster:
    """Three nodes, the first by a link that can be cut; HAProxy; and a grud that stands alone."""

    def __init__(self, folder: pathlib.Path, program: str) -> None:
        make_model(folder)
        self.engine = Engine(folder, program)
        self.link = Link(self.engine.port)
        ports = [self.link.port, self.engine.port, self.engine.port]
        self.nodes = [Node(folder, f"node{k}", port, RECORD) for k, port in enumerate(ports)]
        self.twin = Node(folder, "twin", None, (*RECORD, "--data", str(folder / "twin")))
        self.router = Router(folder, self.nodes)
        self.processes: List[Process] = [self.engine, *self.nodes, self.twin, self.router]

    async def start(self) -> None:
        await self.link.open()
        for process in self.processes:
            process.start()
        self.engine.await_ready()
        for process in self.processes:
            process.await_port()
        await await_quiet(self.nodes)

    def end(self) -> None:
        self.link.close()
        for process in self.processes:
            process.kill()


async def step_through(cluster: Cluster, owned: Sequence[Owned], shared: Sequence[Shared],
                       options: argparse.Namespace, figures: Figures) -> int:
    """Clients, and trouble, for some seconds; the last trouble is put right at the end. The version
    that is active then."""
    ends = asyncio.Event()
    maker = TroubleMaker(cluster.engine, cluster.nodes, cluster.link, options.seed)
    each = options.sessions
    tasks = [asyncio.ensure_future(run_owner(
        Ways(cluster.router, cluster.nodes, options.seed + k), owned[k * each:(k + 1) * each],
        figures, ends)) for k in range(options.clients)]
    tasks += [asyncio.ensure_future(run_sharer(
        Ways(cluster.router, cluster.nodes, options.seed - k), shared, figures, ends))
        for k in range(1, SHARERS + 1)]
    trouble = asyncio.ensure_future(maker.run(ends))
    await asyncio.wait([trouble], timeout=options.seconds)  # it ends early if it cannot go on
    ends.set()
    await trouble
    say(", ".join(f"{n} {what}" for what, n in sorted(maker.done.items())))
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception) and not isinstance(outcome, GivesUp):
            figures.found(f"a client ended: {outcome!r}")
    return maker.roller.active


def say_figures(figures: Figures, owned: Sequence[Owned], seconds: float) -> None:
    say(f"{figures.acknowledged} steps acknowledged of {sum(1 for s in owned if s.answers)} "
        f"sessions in {seconds:.0f} s; {figures.asked} requests, {figures.redone} sent again, "
        f"{figures.refused} refused with 503, {figures.unanswered} unanswered, the slowest took {figures.slowest:.1f} s")


async def test(cluster: Cluster, options: argparse.Namespace, figures: Figures) -> None:
    owned = [Owned(f"c{client}-{k}") for client in range(options.clients)
             for k in range(options.sessions)]
    shared = [Shared(f"shared-{k}") for k in range(SHARED)]
    await cluster.start()
    await refuse_old_token(cluster.engine, cluster.nodes[1], figures)
    await refuse_late_write(cluster.link, cluster.nodes[0], cluster.nodes[1], figures)
    await await_quiet(cluster.nodes)
    await refuse_late_node(cluster.nodes[2], cluster.nodes[1], figures)
    say("stale writers are refused")
    began = time.monotonic()
    active = await step_through(cluster, owned, shared, options, figures)
    say_figures(figures, owned, time.monotonic() - began)
    say(f"all nodes step again after {await await_quiet(cluster.nodes):.2f} s")
    versions = await await_agreement(cluster.nodes, active)
    await copy_versions(cluster.nodes[0], cluster.twin, versions)
    await compare_last(cluster.nodes, owned, figures, options.seed)
    await check_steps(cluster.nodes, owned, shared, figures, options.seed)
    await compare_twin(cluster.twin, versions, owned, shared, figures)
    await compare_recorded(cluster.nodes, cluster.twin, versions, owned, figures, options.seed)
    check_index(cluster.engine, figures)
    say(f"{figures.compared} answers, and {figures.recorded} recorded readings, compared with those "
        "of any node and of an undisturbed grud")
    await kill_runners(cluster.nodes, cluster.twin, figures)
    await engine_away(cluster.engine, cluster.nodes, options.away, figures)
    await compare_last(cluster.nodes, owned, figures, options.seed + 1)
    for node in cluster.nodes:
        node.check()
        await asyncio.to_thread(node.stop)
        log = (node.folder / f"{node.name}.log").read_text(encoding="utf-8")
        if any(word in log for word in SANITIZERS):
            figures.found(f"a sanitizer has something to say in the log of {node.name}")


async def run(program: str, options: argparse.Namespace) -> bool:
    """Whether nothing was found."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="grud-chaos-"))
    figures = Figures()
    cluster = Cluster(folder, program)
    main = asyncio.current_task()
    assert main
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, main.cancel)
    say(f"{program}, seed {options.seed}, {options.clients} clients with {options.sessions} "
        f"sessions each")
    try:
        await test(cluster, options, figures)
    except GivesUp:
        pass
    except Trouble as trouble:
        figures.found(str(trouble))
    finally:
        cluster.end()
    if figures.findings:
        say(f"{figures.findings} findings; logs are in {folder}")
    else:
        shutil.rmtree(folder)
        say(f"{program}: nothing lost, nothing twice, nothing wrong")
    return figures.findings == 0


def main() -> int:
    parser = argparse.ArgumentParser(description="kill, hold and cut a cluster")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--away", type=float, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--sessions", type=int, default=200)
    options = parser.parse_args()
    engine = os.environ.get("ENGINE")
    programs = [p for p in ([engine] if engine else ["redis-server", "valkey-server"])
                if shutil.which(p)]
    if not programs or not shutil.which("haproxy"):
        sys.exit(f"cluster-test: {engine or 'redis-server or valkey-server'}, and haproxy must be "
                 "there")
    return 0 if all([asyncio.run(run(p, options)) for p in programs]) else 1


if __name__ == "__main__":
    sys.exit(main())
