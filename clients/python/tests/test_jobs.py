"""Fine-tuning: posted, followed, steered, promoted and rolled back."""

import io
import itertools
import math
import threading
import time
import unittest
from contextlib import redirect_stderr

from grud import Client, GrudError

from .daemon import Daemon
from .proxy import Canned

SHORT = {"n_epochs": 3, "window": 16, "batch_size": 4}
ENDLESS = {"n_epochs": 1000000, "early_stopping_patience": None, "learning_rate": 1e-6}
EVENT = ('id: ftevent-{0}\ndata: {{"id":"ftevent-{0}","created_at":1,"level":"info","type":"message",'
         '"message":"{0}","data":null}}\n\n')


def series(n_rows=80):
    for phase in range(4):
        yield [[math.sin(0.4 * t + phase), math.cos(0.4 * t + phase)] for t in range(n_rows)]


class Jobs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--record", "1000")
        cls.client = Client(cls.daemon.url)
        cls.daemon.add_model(cls.client, "pump", "--inputs", "temp,load", "--outputs",
                             "temp,load", "--layers", "8")

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.daemon.stop()

    def tune(self, hyperparameters, **fields):
        return self.client.fine_tune("pump", series=series(), hyperparameters=hyperparameters,
                                     promotion={"policy": "manual"}, **fields)

    def test_a_job_makes_a_version_which_is_promoted_and_rolled_back(self):
        job = self.tune(SHORT, seed=7, metadata={"a": 1})
        states = []
        state = job.wait(states.append)
        self.assertEqual((state["status"], state["metadata"], state["seed"]),
                         ("succeeded", {"a": 1}, 7))
        self.assertEqual(states[-1]["progress"]["epoch"], 3)
        version = state["fine_tuned_version"]
        self.assertEqual(job.promote()["active_version"], version)
        self.assertEqual(job.roll_back()["active_version"], 1)
        self.assertEqual(next(job.checkpoints())["epoch"], 3)
        events = list(job.events())
        metrics = [event["data"]["epoch"] for event in events if event["type"] == "metrics"]
        self.assertEqual(metrics, sorted(metrics))
        self.assertEqual(list(job.events(after=events[2]["id"])), events[3:])

    def test_a_job_rests_goes_on_and_ends(self):
        job = self.tune(ENDLESS)
        with self.assertRaises(GrudError) as caught:
            job.promote()
        self.assertEqual(caught.exception.code, "job_status_conflict")
        events = job.events()
        while next(events)["type"] != "metrics":
            pass
        job.pause()
        while job.refresh()["status"] != "paused":
            time.sleep(0.02)
        self.assertIn(job.resume()["status"], ("queued", "running"))
        other = Client(self.daemon.url)
        self.addCleanup(other.close)
        threading.Timer(0.2, other.jobs.get(job.id).cancel).start()
        self.assertEqual(job.wait(progress=False)["status"], "cancelled")
        for _ in events:  # they end, too
            pass
        with self.assertRaises(GrudError) as caught:
            job.cancel()
        self.assertEqual((caught.exception.code, caught.exception.status),
                         ("job_status_conflict", 409))

    def test_events_go_on_after_a_restart(self):
        job = self.tune(ENDLESS)
        events = job.events()
        seen = [next(events)]
        while seen[-1]["type"] != "metrics":
            seen.append(next(events))
        self.daemon.kill()
        self.daemon.start()
        for _ in range(20):
            seen.append(next(events))
        job.cancel()
        seen.extend(events)
        ids = [event["id"] for event in seen]
        self.assertEqual(len(ids), len(set(ids)))
        self.assertEqual(ids, [event["id"] for event in job.events()])

    def test_recordings_train_a_model(self):
        for n, rows in enumerate(series()):
            list(self.client.steps("pump", rows, session=f"pump-{n}"))
        job = self.client.fine_tune("pump", sessions_prefix="pump-", hyperparameters=SHORT,
                                    validation=False, dry_run=True)
        self.assertEqual(job.wait(progress=False)["status"], "succeeded")
        with self.assertRaises(ValueError):
            self.client.fine_tune("pump")
        with self.assertRaises(GrudError) as caught:
            self.client.fine_tune("pump", sessions=["nobody"]).wait(progress=False)
        self.assertEqual(caught.exception.code, "session_not_found")

    def test_jobs_are_listed(self):
        job = self.tune(SHORT)
        job.wait(progress=False)
        self.assertIn(job.id, [one.id for one in self.client.jobs.list("pump", "succeeded")])
        self.assertEqual(self.client.jobs.get(job.id).status, "succeeded")
        with self.assertRaises(GrudError) as caught:
            self.client.jobs.get("ftjob-none")
        self.assertEqual(caught.exception.code, "job_not_found")

    def test_a_bar_shows_it(self):
        with redirect_stderr(io.StringIO()) as out:
            self.tune(SHORT).wait(progress=True)
        last = out.getvalue().split("\r")[-1]
        self.assertIn("succeeded [########################] epoch 3/3 loss 0.", last)
        self.assertTrue(last.endswith("\n"))

    def test_a_recipe_shows_what_it_tries(self):
        with redirect_stderr(io.StringIO()) as out:
            state = self.client.fine_tune(
                "pump", series=series(), recipe={"type": "auto", "horizon": 4}, max_seconds=5,
                promotion={"policy": "manual"}).wait(progress=True)
        self.assertEqual((state["hyperparameters"], state["progress"]["n_epochs"]), (None, None))
        self.assertEqual(state["recipe"]["horizon"], 4)
        trials = state["recipe"]["trials"]
        self.assertIn("persistence", [trial["kind"] for trial in trials])
        self.assertEqual(sum(trial["chosen"] for trial in trials), 1)
        self.assertRegex(out.getvalue(), r"running \[\.{24}\] epoch \d+ loss")
        self.assertRegex(out.getvalue().split("\r")[-1], r"succeeded \[#{24}\] epoch \d+ loss")

    def test_wrong_data_is_refused_before_anything_is_kept(self):
        with self.assertRaises(GrudError) as caught:
            self.client.fine_tune("pump", series=[[[1, 2, 3]] * 80])
        self.assertEqual(caught.exception.status, 400)

    def test_a_failed_job_says_why(self):
        job = self.client.fine_tune("pump", series=series(), hyperparameters={
            "n_epochs": 30, "learning_rate": 100, "optimizer": "sgd", "clip_norm": None})
        with self.assertRaises(GrudError) as caught:
            job.wait(progress=False)
        self.assertEqual((caught.exception.code, caught.exception.status), ("diverged", 0))


class Large(unittest.TestCase):
    def test_too_much_training_data_says_so(self):
        daemon = Daemon("--training-max", "65536")
        self.addCleanup(daemon.stop)
        with Client(daemon.url) as client:
            daemon.add_model(client, "pump", "--inputs", "temp,load", "--outputs", "temp,load",
                             "--layers", "8")
            for n, code in (10, "body_too_large"), (5000, "unreachable"):
                with self.assertRaises(GrudError) as caught:
                    client.fine_tune("pump", series=itertools.chain.from_iterable(
                        series() for _ in range(n)))
                self.assertEqual(caught.exception.code, code)
            self.assertIn("--training-max", caught.exception.message)


class CutEvents(unittest.TestCase):
    def test_an_event_that_is_cut_off_is_asked_for_again(self):
        head = "200 OK\r\nContent-Type: text/event-stream"
        first, second = EVENT.format(1), EVENT.format(2)
        job = '{"id":"ftjob-1","model":"m","status":"running"}'
        server = Canned(("200 OK", job),
                        (head, "retry: 2000\n\n: ping\n\n" + first + second[:60]),
                        (head, second), ("204 No Content", ""))
        self.addCleanup(server.close)
        events = list(Client(server.url).jobs.get("ftjob-1").events())
        self.assertEqual([event["id"] for event in events], ["ftevent-1", "ftevent-2"])
        self.assertNotIn(b"Last-Event-ID", server.requests[1])
        self.assertIn(b"Last-Event-ID: ftevent-1\r\n", server.requests[2])
        self.assertIn(b"Last-Event-ID: ftevent-2\r\n", server.requests[3])


if __name__ == "__main__":
    unittest.main()
