"""What is lost on the way is neither lost nor done twice."""

import random
import threading
import time
import unittest
from unittest.mock import patch

from grud import Client, GrudError, Reading

from .daemon import Daemon
from .proxy import Canned, Proxy
from .test_steps import SMALL, reading

MODEL = "ahead"
N_KILLS = 6
N_SESSIONS = 3
N_MIXED = 200
HORIZON = 20  # so that most kills meet a batch that grud works on
REFUSED = '{"error":{"code":"overloaded","message":"later","param":null}}'
STEPPED = '{"session":"s","step":1,"version":1,"y":[0.5]}'
EXPECTED = ('{"error":{"code":"sequence_mismatch","message":"not so","param":"seq",'
            '"expected":1}}')


def states(client, model):
    """All that the sessions are, but for times."""
    timed = ("created_at", "last_seen_at", "expires_at")
    return [{name: value for name, value in client.sessions.get(model, line["session"]).items()
             if name not in timed} for line in client.sessions.list(model)]


class Killed(unittest.TestCase):
    def test_a_killed_daemon_loses_and_doubles_nothing(self):
        daemon, twin = Daemon(), Daemon()
        self.addCleanup(daemon.stop)
        self.addCleanup(twin.stop)
        sent = []
        is_over = threading.Event()

        def readings():
            while not is_over.is_set():
                t = len(sent)
                sent.append((f"s{t % N_SESSIONS}", reading(t)))
                yield sent[-1]

        def kill_again_and_again():
            chance = random.Random(1)
            for _ in range(N_KILLS):
                time.sleep(chance.uniform(0.05, 0.3))
                daemon.kill()
                daemon.start()
            is_over.set()

        killer = threading.Thread(target=kill_again_and_again)
        with Client(daemon.url) as client, Client(twin.url) as other:
            daemon.add_model(client, MODEL, "--inputs", "a,b,c", "--outputs", "a,b,c",
                             "--layers", "64")
            other.models.upload(MODEL, client.models.download(MODEL, 1))
            killer.start()
            self.addCleanup(killer.join)
            replies = list(client.steps(MODEL, readings(), batch=100, horizon=HORIZON))
            killer.join()
            undisturbed = list(other.steps(MODEL, sent, horizon=HORIZON))
            self.assertEqual([(reply["session"], reply["step"]) for reply in replies],
                             [(reply["session"], reply["step"]) for reply in undisturbed])
            n_repeated = 0
            for reply, expected in zip(replies, undisturbed):
                n_repeated += "y" not in reply
                self.assertEqual(reply.get("y", expected["y"]), expected["y"])
            self.assertEqual(states(client, MODEL), states(other, MODEL))
        print(f"{N_KILLS} kills, {len(sent)} steps: 0 lost, 0 twice, "
              f"{n_repeated} known from before the kill")

class Lost(unittest.TestCase):
    """Every second answer is lost on the way."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--session-history", "4")
        cls.proxy = Proxy(cls.daemon.port, lambda n: None if n % 2 else "answer")
        cls.client = Client(cls.proxy.url)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.proxy.close()
        cls.daemon.stop()

    def test_single_steps(self):
        for t in range(6):
            reply = self.client.step(SMALL, "single", reading(t))
            self.assertEqual((reply["step"], len(reply["y"])), (t + 1, 1))

    def test_equal_readings_are_steps_of_their_own(self):
        for t in range(6):
            self.assertEqual(self.client.step(SMALL, "equal", [1, 2, 3])["step"], t + 1)

    def test_batches_beyond_what_a_session_keeps(self):
        rows = [reading(t) for t in range(90)]
        replies = list(self.client.steps(SMALL, rows, session="batch", batch=30))
        self.assertEqual([reply["step"] for reply in replies], list(range(1, 91)))
        expected = self.client.predict(SMALL, rows)["y"]
        for reply, y in zip(replies, expected):
            self.assertEqual(reply.get("y", y), y)
        self.assertEqual(self.client.sessions.get(SMALL, "batch")["y"], expected[-1])

    def test_batches_with_refused_readings(self):
        rows = [reading(t) for t in range(20)]
        rows[3] = rows[11] = [0]
        replies = list(self.client.steps(SMALL, rows, session="holes", batch=10))
        self.assertEqual([n for n, r in enumerate(replies) if isinstance(r, GrudError)], [3, 11])
        self.assertEqual([r["step"] for r in replies if not isinstance(r, GrudError)],
                         list(range(1, 19)))
        self.assertEqual(self.client.sessions.get(SMALL, "holes")["step"], 18)

    def test_readings_with_times(self):
        readings = [Reading(f"at-{t % 2}", reading(t), at=1000 + t) for t in range(12)]
        replies = list(self.client.steps(SMALL, readings))
        self.assertEqual([reply["step"] for reply in replies], [t // 2 + 1 for t in range(12)])

    def test_what_may_not_be_sent_twice_is_sent_once(self):
        self.client.step(SMALL, "origin", reading(0))
        before = self.proxy.n_requests
        if before % 2 == 1:
            self.client.models.list()  # an odd one is answered; the next fails
            before = self.proxy.n_requests
        with self.assertRaises(GrudError) as caught:
            self.client.sessions.fork(SMALL, "origin", f"copy-{before}")
        self.assertEqual((caught.exception.code, caught.exception.status), ("unreachable", 0))
        self.assertEqual(self.proxy.n_requests, before + 1)


class Mixed(unittest.TestCase):
    """Readings of every kind, requests and answers lost at random, against a twin without loss."""

    def readings(self, chance):
        for t in range(N_MIXED):
            x = [0] if chance.random() < 0.05 else reading(t)
            session = chance.choice(("a", "b", "c", "timed", "numbered"))
            if session == "timed":
                yield Reading(session, x, at=1000 + t)
            elif session == "numbered":
                self.n_numbered += len(x) > 1  # as a device does that counts what is taken
                yield Reading(session, x, seq=self.n_numbered + (len(x) == 1))
            else:
                yield Reading(session, x)

    def outcomes(self, client, seed, batch):
        self.n_numbered = 0
        return [(reply.code, None) if isinstance(reply, GrudError)
                else (reply["session"], reply["step"])
                for reply in client.steps(SMALL, self.readings(random.Random(seed)), batch=batch)]

    @patch("grud.transport._DELAY_FIRST_SECONDS", 0.001)
    def test_random_losses_change_nothing(self):
        for seed in range(4):
            daemon, twin = (Daemon("--session-history", "2") for _ in range(2))
            self.addCleanup(daemon.stop)
            self.addCleanup(twin.stop)
            chance = random.Random(100 + seed)
            proxy = Proxy(daemon.port,
                          lambda n: chance.choice((None, None, "request", "answer")))
            with Client(proxy.url) as client, Client(twin.url) as other, \
                    Client(daemon.url) as direct:
                self.assertEqual(self.outcomes(client, seed, 1 + 7 * seed),
                                 self.outcomes(other, seed, 64))
                self.assertEqual(states(direct, SMALL), states(other, SMALL))
            proxy.close()


class Refused(unittest.TestCase):
    def serve(self, *replies):
        server = Canned(*replies)
        self.addCleanup(server.close)
        return server

    def test_retry_after_is_waited_for(self):
        server = self.serve(("409 Conflict", EXPECTED),
                            ("503 Service Unavailable\r\nRetry-After: 1", REFUSED),
                            ("429 Too Many Requests\r\nRetry-After: 1", REFUSED),
                            ("200 OK", STEPPED))
        begin = time.monotonic()
        self.assertEqual(Client(server.url).step("m", "s", [1])["step"], 1)
        self.assertGreaterEqual(time.monotonic() - begin, 2)
        self.assertEqual(len(server.requests), 4)
        self.assertEqual(len({request.split(b"\r\n\r\n")[1] for request in server.requests[1:]}), 1)

    def test_a_step_without_a_number_is_sent_once(self):
        server = self.serve(("503 Service Unavailable\r\nRetry-After: 1", REFUSED))
        with self.assertRaises(GrudError) as caught:
            Client(server.url, count_steps=False).step("m", "s", [1])
        self.assertEqual((caught.exception.code, caught.exception.status,
                          caught.exception.retry_after), ("overloaded", 503, 1))
        self.assertEqual(len(server.requests), 1)

    def test_patience_has_an_end(self):
        server = self.serve(("503 Service Unavailable\r\nRetry-After: 100", REFUSED))
        with self.assertRaises(GrudError) as caught:
            Client(server.url, retry_seconds=5).models.list()
        self.assertEqual(caught.exception.code, "overloaded")

    def test_a_line_that_comes_too_early_is_sent_again_with_those_behind_it(self):
        lines = [STEPPED.replace('"step":1', f'"step":{n}') for n in range(1, 4)]
        server = self.serve(
            ("200 OK", EXPECTED + "\n"),
            ("200 OK", "\n".join((lines[0], REFUSED, EXPECTED.replace(":1}", ":2}"))) + "\n"),
            ("200 OK", "\n".join(lines[1:]) + "\n"))
        replies = list(Client(server.url).steps("m", [[1], [2], [3]], session="s"))
        self.assertEqual([reply["step"] for reply in replies], [1, 2, 3])
        last = server.requests[2].split(b"\r\n\r\n")[1]
        self.assertEqual(last, b'{"session":"s","x":[2],"seq":2}\n'
                               b'{"session":"s","x":[3],"seq":3}\n')

    def test_what_is_no_grud_is_told(self):
        server = self.serve(("200 OK", "<html>"), ("404 Not Found", "<html>"))
        for _ in range(2):
            with self.assertRaises(GrudError) as caught:
                Client(server.url).models.list()
            self.assertEqual(caught.exception.code, "unexpected_reply")
        with self.assertRaises(ValueError):
            Client("127.0.0.1:8080")


if __name__ == "__main__":
    unittest.main()
