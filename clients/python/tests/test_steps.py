"""Steps, one by one and as a stream."""

import math
import unittest

from grud import Client, GrudError, Reading

from .daemon import Daemon

SMALL = "torch-small"  # three inputs, one output


def reading(t):
    return [math.sin(t), math.cos(t), t % 7]


class Steps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.client = Client(cls.daemon.url)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.daemon.stop()

    def test_steps_are_counted(self):
        for t in range(3):
            reply = self.client.step(SMALL, "counted", reading(t))
            self.assertEqual(reply["step"], t + 1)
            self.assertEqual(len(reply["y"]), 1)
        with Client(self.daemon.url) as other:  # learns where the session is
            self.assertEqual(other.step(SMALL, "counted", reading(3))["step"], 4)
        with self.assertRaises(GrudError) as caught:
            self.client.step(SMALL, "counted", reading(4))
        self.assertEqual((caught.exception.code, caught.exception.status,
                          caught.exception.param, caught.exception.expected),
                         ("sequence_mismatch", 409, "seq", 5))
        self.assertIn("another program steps it too", str(caught.exception))
        self.assertEqual(self.client.step(SMALL, "counted", reading(4))["step"], 5)

    def test_a_first_reading_again_is_a_second_step(self):
        for n in (1, 2):
            with Client(self.daemon.url) as client:
                self.assertEqual(client.step(SMALL, "same", [1, 2, 3])["step"], n)

    def test_a_step_is_explained_and_a_forecast_behind_it(self):
        for explain in (True, {"ahead": 1}):
            why = self.client.step(SMALL, "why", reading(1), explain=explain)["explanation"]
            parts = [part["contribution"] for part in why["inputs"]]
            self.assertEqual(len(parts), 3)
            self.assertAlmostEqual(
                why["value"], sum(parts, why["baseline"] + why["state"] + why["residual"]), 5)
            ahead = self.client.forecast(SMALL, "why", 1, explain=explain)
            self.assertEqual(ahead["explanation"], why)

    def test_a_stream_equals_the_whole_sequence(self):
        rows = [reading(t) for t in range(150)]
        whole = self.client.predict(SMALL, rows)["y"]
        one = list(self.client.steps(SMALL, iter(rows), session="one"))
        self.assertEqual([reply["y"] for reply in one], whole)
        self.assertEqual([reply["step"] for reply in one], list(range(1, 151)))
        self.assertEqual(list(self.client.predict_rows(SMALL, iter(rows))), whole)
        self.assertFalse(list(self.client.sessions.list(SMALL, prefix="predict-")))

    def test_forecasts_are_mixed(self):
        for t in range(30):
            reply = self.client.step(SMALL, "blended", reading(t), blend=True)
        self.assertEqual(list(reply["blend"]["weights"]), ["model", "persistence", "level"])
        self.assertAlmostEqual(sum(reply["blend"]["weights"].values()), 1, 5)
        one = self.client.forecast(SMALL, "blended", 1, blend=True)
        self.assertEqual((one["forecast"], one["blend"]), ([reply["y"]], reply["blend"]))
        plain = self.client.steps(SMALL, [reading(t) for t in range(30)], session="also",
                                  blend=True)
        self.assertEqual(list(plain)[-1]["y"], reply["y"])

    def test_a_stream_of_many_sessions_keeps_its_order(self):
        readings = [(f"many-{t % 5}", reading(t)) for t in range(100)]
        replies = list(self.client.steps(SMALL, readings, batch=7))
        self.assertEqual([reply["session"] for reply in replies], [name for name, _ in readings])
        self.assertEqual([reply["step"] for reply in replies], [t // 5 + 1 for t in range(100)])

    def test_a_stream_takes_a_batch_at_a_time(self):
        n_taken = 0

        def source():
            nonlocal n_taken
            while True:
                n_taken += 1
                yield reading(n_taken)

        replies = self.client.steps(SMALL, source(), session="endless", batch=10)
        for n in range(1, 26):
            next(replies)
            self.assertLessEqual(n_taken, n + 9)

    def test_a_refused_reading_has_its_error_in_its_place(self):
        rows = [reading(t) for t in range(12)]
        rows[0] = [1, 2]
        rows[4] = [1, math.inf, 3]
        rows[11] = {"x0": 1, "x9": 1}
        replies = list(self.client.steps(SMALL, rows, session="refused"))
        errors = [n for n, reply in enumerate(replies) if isinstance(reply, GrudError)]
        self.assertEqual(errors, [0, 4, 11])
        self.assertEqual((replies[4].code, replies[4].param), ("invalid_json", "x[1]"))
        self.assertEqual([reply["step"] for n, reply in enumerate(replies) if n not in errors],
                         list(range(1, 10)))

    def test_a_session_that_another_moves_is_not_mixed_up(self):
        list(self.client.steps(SMALL, [reading(t) for t in range(3)], session="moved"))
        with Client(self.daemon.url) as other:
            other.step(SMALL, "moved", reading(9))
        replies = list(self.client.steps(SMALL, [reading(3), reading(4)], session="moved"))
        self.assertEqual(replies[0].code, "sequence_mismatch")
        self.assertEqual(replies[1]["step"], 5)

    def test_missing_values_are_none_or_nan(self):
        replies = [self.client.step(SMALL, f"missing-{n}", x) for n, x in enumerate(
            ([1, None, 3], [1, math.nan, 3], {"x0": 1, "x2": 3}))]
        for reply in replies:
            self.assertEqual((reply["y"], reply["missing"]), (replies[0]["y"], ["x1"]))

    def test_an_array_is_taken(self):
        class Array:
            def tolist(self):
                return [1.0, math.nan, 3.0]

        self.assertEqual(self.client.step(SMALL, "array", Array())["missing"], ["x1"])

    def test_times_and_numbers_of_devices(self):
        self.assertEqual(self.client.step(SMALL, "timed", reading(0), at=1000)["step"], 1)
        self.assertEqual(self.client.step(SMALL, "timed", reading(0), at=1000)["step"], 1)
        with self.assertRaises(GrudError) as caught:
            self.client.step(SMALL, "timed", reading(1), at=900)
        self.assertEqual(caught.exception.code, "late_reading")
        self.assertEqual(caught.exception.details["last_at"], 1000)
        replies = list(self.client.steps(
            SMALL, [Reading("timed", reading(t), at=1000 + t) for t in range(1, 4)]
            + [Reading("timed", reading(4)), Reading("timed", reading(5), at=2000)]))
        self.assertEqual([reply["step"] for reply in replies], [2, 3, 4, 5, 6])
        self.assertEqual(
            self.client.step(SMALL, "numbered", reading(0), seq=70, begin=True)["step"], 70)
        self.assertEqual(
            self.client.step(SMALL, "numbered", reading(1), seq=73, fill=True)["step"], 73)
        self.assertEqual(self.client.step(SMALL, "numbered", reading(2))["step"], 74)

    def test_a_reading_with_a_number_stays_behind_one_that_has_none_yet(self):
        replies = list(self.client.steps(SMALL, [Reading("mixed", reading(0)),
                                                 Reading("mixed", reading(1), seq=1),
                                                 Reading("mixed", reading(1), seq=2)]))
        self.assertEqual((replies[0]["step"], replies[1].code, replies[2]["step"]),
                         (1, "sequence_mismatch", 2))

    def test_uncounted_steps_have_no_number(self):
        with Client(self.daemon.url, count_steps=False) as client:
            for t in range(2):
                self.assertEqual(client.step(SMALL, "free", reading(0))["step"], t + 1)
            replies = list(client.steps(SMALL, [reading(0)] * 3, session="free"))
            self.assertEqual([reply["step"] for reply in replies], [3, 4, 5])


if __name__ == "__main__":
    unittest.main()
