"""What the clients of the cluster do, and what they know: which steps were acknowledged, with which
answers."""
import asyncio
import dataclasses
import json
import random
import time
import zlib
from typing import Dict, List, Sequence, Set, Tuple

from asking import Asker
from processes import MODEL, MOST_STEPS, Node, Router

PAST_ROUTER = 0.05   # of requests go to any node
TWICE_AT_ONCE = 0.01
AGAIN = 0.02         # of acknowledged steps are sent again
BATCHES = 0.02
BATCH_SESSIONS, BATCH_STEPS = 8, 2
FINDINGS_SHOWN = 20


def reading(session: str, number: int) -> List[float]:
    """That of a session's step: everybody can work it out."""
    drawn = zlib.crc32(f"{session}/{number}".encode())
    return [(drawn & 1023) / 64, (drawn >> 10 & 1023) / 128 - 4, (drawn >> 20) / 512]


def answer_of(text: bytes) -> str:
    """What is compared: the digits of y, as they were sent, behind the version that they are of."""
    at, y = text.find(b'"version":'), text.find(b'"y":')
    return "" if y < 0 else text[at:text.index(b"]", y) + 1].decode()


def version_of(answer: str) -> int:
    return int(answer.split(",", 1)[0].split(":")[1])


class GivesUp(Exception):
    """A client cannot go on; why has been found."""


@dataclasses.dataclass
class Figures:
    """Of all clients."""
    asked: int = 0
    acknowledged: int = 0
    redone: int = 0
    refused: int = 0       # 503
    unanswered: int = 0
    compared: int = 0
    recorded: int = 0
    slowest: float = 0  # answer, in seconds
    findings: int = 0

    def found(self, what: str) -> None:
        self.findings += 1
        if self.findings <= FINDINGS_SHOWN:
            print(f"cluster-test: FOUND: {what}", flush=True)


class Owned:
    """A session of one client: of each step, the answer of each version that was told."""

    def __init__(self, name: str) -> None:
        self.name, self.answers = name, []  # type: str, List[Dict[int, str]]

    @property
    def acknowledged(self) -> int:
        return len(self.answers)

    def note(self, figures: Figures, number: int, answer: str) -> None:
        """An answer to step `number`: a second one of the version must be the first. "": made, but
        no longer the last one, so that its answer is not told."""
        if number == self.acknowledged + 1:
            self.answers.append({})
            figures.acknowledged += 1
        if answer:
            first = self.answers[number - 1].setdefault(version_of(answer), answer)
            if first != answer:
                figures.found(f"{self.name}: seq {number} was answered {first}, then {answer}")


Line = Tuple[Owned, int]  # of a batch: the session, and the step's number


class Ways:
    """To the cluster: mostly by the router."""

    def __init__(self, router: Router, nodes: Sequence[Node], seed: int) -> None:
        self.router, self.nodes, self.random = router, nodes, random.Random(seed)

    def draw(self, others: float = PAST_ROUTER) -> int:
        if self.random.random() < others:
            return self.random.choice(self.nodes).port
        return self.router.port


def path_of(session: str) -> str:
    return f"/v1/models/{MODEL}/sessions/{session}/step"


async def step_once(asker: Asker, port: int, session: Owned, number: int,
                    figures: Figures) -> str:
    """The answer to the step; "": to be sent again."""
    body = json.dumps({"x": reading(session.name, number), "seq": number}).encode()
    figures.asked += 1
    began = time.monotonic()
    status, text = await asker.ask(port, "POST", path_of(session.name), body)
    figures.slowest = max(figures.slowest, time.monotonic() - began)
    if status == 0:
        figures.unanswered += 1
    elif status in (502, 503, 504):
        figures.refused += 1
    elif status != 200:
        figures.found(f"{session.name}: seq {number} after {session.acknowledged} acknowledged: "
                      f"{status} {text.decode()}")
        raise GivesUp
    elif json.loads(text)["step"] != number or not answer_of(text):
        figures.found(f"{session.name}: seq {number} was answered {text.decode()}")
    else:
        return answer_of(text)
    return ""


async def step(asker: Asker, ways: Ways, session: Owned, figures: Figures) -> None:
    """The session's next step, however often it must be sent."""
    number, pause, others = session.acknowledged + 1, 0.01, PAST_ROUTER
    while not (answer := await step_once(asker, ways.draw(others), session, number, figures)):
        figures.redone += 1
        await asyncio.sleep(pause * (0.5 + ways.random.random()))
        pause, others = min(2 * pause, 0.5), 0.5
    session.note(figures, number, answer)


async def step_twice(askers: Sequence[Asker], ways: Ways, session: Owned,
                     figures: Figures) -> None:
    """The next step on two nodes at once; if both leave open whether it was made, once more."""
    number = session.acknowledged + 1
    answers = await asyncio.gather(*(
        step_once(asker, ways.draw(1), session, number, figures) for asker in askers))
    for answer in answers:
        if answer:
            session.note(figures, number, answer)
    if not any(answers):
        await step(askers[0], ways, session, figures)


async def step_again(asker: Asker, ways: Ways, session: Owned, figures: Figures) -> None:
    """The last step, on any node."""
    answer = await step_once(asker, ways.draw(1), session, session.acknowledged, figures)
    if answer:
        session.note(figures, session.acknowledged, answer)


def note_batch(lines: Sequence[Line], replies: Sequence[bytes], figures: Figures) -> bool:
    """Whether all of the batch is done. After a step that fails the session's later ones must."""
    failed: Set[str] = set()
    for (session, number), reply in zip(lines, replies):
        code = json.loads(reply).get("error", {}).get("code")
        if code is None and session.name not in failed:
            session.note(figures, number, answer_of(reply))
        elif code in ("storage_failed", "overloaded") or (
                code == "sequence_mismatch" and session.name in failed):
            failed.add(session.name)
        else:
            figures.found(f"{session.name}: seq {number} in a batch was answered "
                          f"{reply.decode()}")
            raise GivesUp
    return not failed and len(replies) == len(lines)


async def step_batch(asker: Asker, ways: Ways, sessions: Sequence[Owned],
                     figures: Figures) -> None:
    """The next steps of several sessions in one request, which is sent again as it was."""
    lines = [(s, s.acknowledged + k) for k in range(1, BATCH_STEPS + 1) for s in sessions]
    body = "".join(json.dumps({"session": s.name, "x": reading(s.name, n), "seq": n}) + "\n"
                   for s, n in lines).encode()
    is_done = False
    while not is_done:
        figures.asked += 1
        status, text = await asker.ask(ways.draw(0.5), "POST", f"/v1/models/{MODEL}/steps", body,
                                       "application/x-ndjson")
        figures.unanswered += status == 0
        figures.refused += status in (502, 503, 504)
        if status == 200:
            is_done = note_batch(lines, text.split(b"\n")[:-1], figures)
        elif status not in (0, 502, 503, 504):
            figures.found(f"a batch was answered {status} {text.decode()}")
            raise GivesUp
        if not is_done:
            figures.redone += 1
            await asyncio.sleep(0.05 * (0.5 + ways.random.random()))


def draw_sessions(ways: Ways, sessions: Sequence[Owned], n: int) -> List[Owned]:
    """Some of them step much more often than others."""
    going = [s for s in sessions if s.acknowledged + BATCH_STEPS <= MOST_STEPS]
    if n > 1:
        return ways.random.sample(going, min(n, len(going)))
    return [going[int(len(going) * ways.random.random() ** 3)]] if going else []


async def run_owner(ways: Ways, sessions: Sequence[Owned], figures: Figures,
                    ends: asyncio.Event) -> None:
    """One client."""
    askers = [Asker(), Asker()]
    try:
        while not ends.is_set():
            drawn = ways.random.random()
            some = draw_sessions(ways, sessions, BATCH_SESSIONS if drawn > 1 - BATCHES else 1)
            if not some:
                break
            if drawn < TWICE_AT_ONCE:
                await step_twice(askers, ways, some[0], figures)
            elif drawn < TWICE_AT_ONCE + AGAIN and some[0].answers:
                await step_again(askers[0], ways, some[0], figures)
            elif drawn > 1 - BATCHES:
                await step_batch(askers[0], ways, some, figures)
            else:
                await step(askers[0], ways, some[0], figures)
    finally:
        for asker in askers:
            asker.close()


class Shared:
    """A session that several clients step without `seq`: all its readings are alike, so that who
    comes first does not matter."""

    def __init__(self, name: str) -> None:
        self.name, self.n_asked, self.n_unknown = name, 0, 0
        self.answers: Dict[int, str] = {}

    def note(self, figures: Figures, number: int, answer: str) -> None:
        if number in self.answers:
            figures.found(f"{self.name}: two clients were told of step {number}")
        self.answers[number] = answer
        figures.acknowledged += 1


async def run_sharer(ways: Ways, sessions: Sequence[Shared], figures: Figures,
                     ends: asyncio.Event) -> None:
    asker = Asker()
    try:
        while not ends.is_set():
            session = ways.random.choice(sessions)
            if session.n_asked == MOST_STEPS:
                await asyncio.sleep(0.02)
                continue
            session.n_asked += 1
            body = json.dumps({"x": reading(session.name, 0)}).encode()
            figures.asked += 1
            status, text = await asker.ask(ways.draw(0.5), "POST", path_of(session.name), body)
            if status == 200:
                session.note(figures, json.loads(text)["step"], answer_of(text))
            else:
                session.n_unknown += 1
                figures.unanswered += status == 0
                figures.refused += status != 0
                if status not in (0, 502, 503, 504):
                    figures.found(f"{session.name}: {status} {text.decode()}")
                await asyncio.sleep(0.02)
    finally:
        asker.close()
