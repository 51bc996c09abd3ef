"""Events and readings of sessions. How the client resumes is tested beside a server that cuts, and
the rest beside a grud."""

import http.server
import threading
import time
import unittest

from grud import Client

from .daemon import Daemon

PARTS = [
    b": ping\n\nid: 1\r\nevent: step\r\ndata: {\"step\":1}\r\n\r\nid: 2\nevent: step\ndata: {\"st",
    b"id: 2\nevent: step\ndata: {\"step\":\ndata: 2}\n\nevent: drift\ndata: {}\n\n",
    b": ping\n\nid: 3\nevent: step\ndata: {\"step\":3}\n\nevent: end\ndata: {}\n\n",
]


class Cutting(http.server.BaseHTTPRequestHandler):
    """Each connection gets one part, and is cut, after some silence."""

    asked = []
    silence = 0.0

    def do_GET(self):
        part = PARTS[len(self.asked)]
        self.asked.append(self.headers["Last-Event-ID"])
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(part)
        self.wfile.flush()
        time.sleep(self.silence)

    def log_message(self, *_):
        pass


class Events(unittest.TestCase):
    def test_they_go_on_behind_the_last_one_that_came_whole(self):
        self.assert_resumes(silence=0, retry_seconds=60)

    def test_a_silence_longer_than_the_patience_of_retries_takes_none_of_it(self):
        self.assert_resumes(silence=1.5, retry_seconds=1)

    def assert_resumes(self, silence, retry_seconds):
        Cutting.asked.clear()
        Cutting.silence = silence
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Cutting)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with Client(url, retry_seconds=retry_seconds) as client:
            seen = [event.data.get("step", event.type)
                    for event in client.sessions.events("m", "s")]
        self.assertEqual(seen, [1, 2, "drift", 3, "end"])
        self.assertEqual(Cutting.asked, [None, "1", "2"])

    def test_a_grud_tells_of_its_sessions_steps_and_readings(self):
        daemon = Daemon()
        self.addCleanup(daemon.stop)
        with Client(daemon.url) as client:
            paths = [route["path"] for route in client._transport.json("GET", "/v1")["routes"]]
            daemon.add_model(client, "m", "--inputs", "a", "--outputs", "a", "--layers", "6")
            for x in range(1, 6):
                client.step("m", "s", [x])
            if not any(path.endswith("/{session}/readings") for path in paths):
                self.skipTest("this grud has no readings")
            past = [reading["x"] for reading in client.sessions.readings("m", "s", page=2)]
            self.assertEqual(past, [[5], [4], [3], [2], [1]])
            if not any(path.endswith("/{session}/events") for path in paths):
                self.skipTest("this grud has no events of sessions")
            seen = []
            for event in client.sessions.events("m", "s", after="2"):
                seen.append(event.data["step"] if event.type == "step" else event.type)
                if seen[-1] == 5:
                    client.step("m", "s", [6])
                if seen[-1] == 6:
                    client.sessions.delete("m", "s")
            self.assertEqual(seen, [3, 4, 5, 6, "end"])


if __name__ == "__main__":
    unittest.main()
