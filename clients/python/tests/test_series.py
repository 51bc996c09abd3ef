"""Forecasts, whole series, sessions, models and versions."""

import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest
from pathlib import Path

from grud import Client, GrudError

from .daemon import GOLDEN, Daemon
from .test_steps import SMALL, reading

ROWS = [reading(t) for t in range(60)]


class Served(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--row-max", "1000")
        cls.client = Client(cls.daemon.url)
        cls.daemon.add_model(cls.client, "pump", "--inputs", "a,b,c", "--outputs", "a,b,c",
                             "--layers", "4")

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.daemon.stop()

    def refused(self, code, call, *args, **named):
        with self.assertRaises(GrudError) as caught:
            call(*args, **named)
        self.assertEqual(caught.exception.code, code)
        return caught.exception


class Series(Served):
    def test_a_forecast_changes_nothing(self):
        step = self.client.step("pump", "ahead", ROWS[0], horizon=3, level=[0.8, 0.9])
        ahead = self.client.forecast("pump", "ahead", 3, level=0.9)
        self.assertEqual(ahead["forecast"], step["forecast"])
        self.assertEqual([i["level"] for i in step["intervals"]], [0.8, 0.9])
        self.assertEqual(self.client.sessions.get("pump", "ahead")["step"], 1)
        self.refused("horizon_not_supported", self.client.step, SMALL, "s", ROWS[0], horizon=2)
        self.refused("session_not_found", self.client.forecast, "pump", "nobody", 1)

    def test_a_threshold_is_told_with_a_step_and_with_a_forecast(self):
        threshold = {"output": "a", "above": -1000}
        replies = list(self.client.steps("pump", ROWS[:30], session="near", horizon=3,
                                         crossing=threshold))
        ahead = self.client.forecast("pump", "near", 3, crossing=threshold)
        self.assertEqual(ahead["crossing"], replies[-1]["crossing"])
        self.assertEqual(ahead["crossing"]["ahead"], 1)
        self.assertEqual(len(ahead["crossing"]["by_horizon"]), 3)
        self.refused("missing_field", self.client.step, "pump", "near", ROWS[30],
                     crossing=threshold)

    def test_an_unusual_reading_is_told(self):
        list(self.client.steps("pump", ROWS * 3, session="usual", anomaly=True))
        usual = self.client.step("pump", "usual", ROWS[0], anomaly=True)["anomaly"]
        odd = self.client.step("pump", "usual", [1000, 1000, 1000], anomaly=True)["anomaly"]
        self.assertLess(odd["p_value"], min(0.05, usual["p_value"]))
        self.assertEqual(list(odd["by_output"]), ["a", "b", "c"])

    def test_all_that_a_step_tells_is_told_in_a_stream(self):
        asked = {"horizon": 3, "level": 0.9, "blend": True, "anomaly": True, "explain": True,
                 "crossing": {"output": "b", "above": 1}}
        for model in ("single", "stream"):  # sessions of a model share what they know of errors
            self.daemon.add_model(self.client, model, "--inputs", "a,b,c", "--outputs", "a,b,c",
                                  "--layers", "4")
        single = [self.client.step("single", "all", x, **asked) for x in ROWS]
        stream = list(self.client.steps("stream", ROWS, session="all", **asked))
        self.assertEqual(stream, single)
        self.assertIsNone(stream[0]["anomaly"])
        for name in ("intervals", "blend", "anomaly", "crossing", "explanation"):
            self.assertTrue(stream[-1][name], name)
        ahead = self.client.forecast("stream", "all", 3, level=0.9, blend=True,
                                     crossing=asked["crossing"])
        for name in ("forecast", "intervals", "blend", "crossing"):
            self.assertEqual(ahead[name], stream[-1][name])

    def test_series_are_predicted(self):
        whole = self.client.predict("pump", ROWS, horizon=2)
        last = self.client.predict("pump", ROWS, horizon=2, last=True, version=1)
        self.assertEqual((len(whole["y"]), len(whole["forecast"])), (60, 2))
        self.assertEqual((last["y"], last["forecast"]), (whole["y"][-1:], whole["forecast"]))
        many = self.client.predict_many("pump", [ROWS[:5], ROWS[:9]])
        self.assertEqual([one["y"] for one in many], [whole["y"][:5], whole["y"][:9]])

    def test_a_series_of_any_length_is_predicted_in_slices(self):
        rows = ROWS * 30
        self.refused("request_too_large", self.client.predict, "pump", rows)
        self.assertEqual(sum(1 for _ in self.client.predict_rows("pump", iter(rows))), 1800)
        error = self.refused("wrong_length", list,
                             self.client.predict_rows("pump", ROWS[:3] + [[1]]))
        self.assertEqual(error.param, "x")

    def test_a_series_is_evaluated(self):
        figures = self.client.evaluate("pump", ROWS, horizon=4, season=7)
        self.assertEqual((figures["windows"], figures["season"]), (56, 7))
        self.assertEqual([one["ahead"] for one in figures["by_horizon"]], [1, 2, 3, 4])
        self.assertEqual([one["output"] for one in figures["by_output"]], ["a", "b", "c"])
        self.refused("series_too_short", self.client.evaluate, "pump", ROWS[:1])


class Sessions(Served):
    def test_a_session_is_saved_restored_copied_and_ended(self):
        sessions = self.client.sessions
        list(self.client.steps("pump", ROWS, session="saved"))
        state = sessions.get("pump", "saved")
        sessions.put("pump", "restored", state)
        sessions.fork("pump", "saved", "copy")
        steps = [self.client.step("pump", name, ROWS[0]) for name in ("saved", "restored", "copy")]
        self.assertEqual([step["y"] for step in steps], [steps[0]["y"]] * 3)
        sessions.put("pump", "saved", state)  # back by one step, which the count follows
        self.assertEqual(self.client.step("pump", "saved", ROWS[0])["step"], 61)
        sessions.delete("pump", "saved")
        self.refused("session_not_found", sessions.get, "pump", "saved")
        self.assertEqual(self.client.step("pump", "saved", ROWS[0])["step"], 1)
        self.refused("session_exists", sessions.fork, "pump", "saved", "copy")

    def test_lists_are_read_page_by_page(self):
        list(self.client.steps("pump", [(f"page-{n:02}", ROWS[n]) for n in range(25)]))
        names = [line["session"] for line in self.client.sessions.list("pump", "page-", page=4)]
        self.assertEqual(names, [f"page-{n:02}" for n in range(25)])
        self.assertFalse(list(self.client.sessions.list("pump", "nothing")))
        newest = self.client.sessions.list(prefix="page-", page=4, order="last_seen")
        seen = [(line["model"], line["session"], line["last_seen_at"]) for line in newest]
        self.assertEqual(sorted(name for _, name, _ in seen), names)
        self.assertEqual({model for model, _, _ in seen}, {"pump"})
        self.assertEqual([at for _, _, at in seen], sorted((at for _, _, at in seen), reverse=True))

    def test_an_id_is_one_part_of_the_path(self):
        self.assertEqual(self.client.step("pump", "a:b~c", ROWS[0])["session"], "a:b~c")
        self.refused("invalid_value", self.client.step, "pump", "a/step", ROWS[0])


class Versions(Served):
    def test_versions_come_serve_and_go(self):
        models = self.client.models
        self.assertIn("pump", [model["name"] for model in models.list()])
        file = models.download("pump", 1)
        model = models.upload("pump", file)
        self.assertEqual((model["active_version"], len(model["versions"])), (1, 2))
        self.assertEqual(models.activate("pump", 2)["active_version"], 2)
        self.refused("version_active", models.delete, "pump", 2)
        models.activate("pump", 1)
        models.delete("pump", 2)
        self.assertEqual(len(models.get("pump")["versions"]), 1)
        self.refused("version_not_found", models.activate, "pump", 2)
        self.refused("model_not_found", models.get, "nobody")
        self.refused("invalid_model", models.upload, "broken", b"no model")
        other = GOLDEN / "torch-wide.safetensors"
        self.refused("incompatible_model", models.upload, "pump", other)

    def test_a_stream_for_a_model_that_is_not_there_ends(self):
        error = self.refused("model_not_found", list,
                             self.client.steps("nobody", ROWS, session="s"))
        self.assertEqual(error.status, 404)


class Address(unittest.TestCase):
    def test_an_address_may_be_one_of_ipv6(self):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            self.skipTest("there is no IPv6 here")
        daemon = Daemon(address="[::1]")
        self.addCleanup(daemon.stop)
        with Client(daemon.url + "/") as client:
            self.assertEqual(client.step(SMALL, "s", ROWS[0])["step"], 1)


class Tls(unittest.TestCase):
    def test_https_is_spoken_to_who_is_trusted(self):
        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        cert, key = folder / "cert.pem", folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        key.chmod(0o600)
        daemon = Daemon("--tls-cert", cert, "--tls-key", key)
        self.addCleanup(daemon.stop)
        url = f"https://localhost:{daemon.port}"
        with Client(url, tls=ssl.create_default_context(cafile=str(cert))) as client:
            self.assertEqual(client.step(SMALL, "s", ROWS[0])["step"], 1)
        with Client(url, retry_seconds=0) as client, self.assertRaises(GrudError) as caught:
            client.models.list()
        self.assertIn("certificate", caught.exception.message)


class Keys(unittest.TestCase):
    def test_keys_open_what_they_are_for(self):
        daemon = Daemon()
        self.addCleanup(daemon.stop)
        keys = daemon.folder / "keys"
        keys.write_text("0123456789abcdef0123456789abcdef predict\n")
        keys.chmod(0o600)
        daemon.process.terminate()
        daemon.process.wait()
        daemon.options = ("--api-keys", keys)
        daemon.start()
        with Client(daemon.url) as client, self.assertRaises(GrudError) as caught:
            client.models.list()
        self.assertEqual((caught.exception.code, caught.exception.status), ("key_missing", 401))
        with Client(daemon.url, "0123456789abcdef0123456789abcdef") as client:
            # counting asks for no right to read
            self.assertEqual([reply["step"] for reply in client.steps(SMALL, ROWS[:2],
                                                                      session="s")], [1, 2])
            with self.assertRaises(GrudError) as caught:
                client.models.list()
        self.assertEqual((caught.exception.code, caught.exception.status), ("scope_missing", 403))


if __name__ == "__main__":
    unittest.main()
