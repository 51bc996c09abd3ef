#!/usr/bin/env python3
"""pages.py BROWSER: shows pages of other origins in a real browser, beside the daemon $GRUD.

What they try changes nothing; a page whose origin grud was told of may; a page whose name is pointed
at grud after it was shown (DNS rebinding) gets 421. The last line says what passed.
"""

import atexit
import http.server
import json
import os
import queue
import signal
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

PATIENCE_S = 60
HERE = os.path.dirname(os.path.abspath(__file__))
GRUD = os.environ.get("GRUD", "build/grud")
MODELS = os.path.join(HERE, "../../examples/host-load")
MODEL = "/v1/models/host-load"
results = queue.Queue()
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Pages(http.server.SimpleHTTPRequestHandler):
    """Gives out the pages beside this file, and takes what they report."""

    def __init__(self, *arguments):
        super().__init__(*arguments, directory=HERE)

    def do_POST(self):
        results.put(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


def serve_pages():
    server = Server(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server, server.server_address[1]


class Grud:
    """A daemon of one's own, with a session `kept` of one step."""

    def __init__(self, folder, *options, port=0):
        port_file = os.path.join(folder, f"port-{time.monotonic_ns()}")
        self.process = subprocess.Popen(
            [GRUD, "--models", MODELS, "--listen", f"127.0.0.1:{port}", "--port-file", port_file,
             "--log-level", "warn", *options])
        atexit.register(self.process.kill)
        until = time.monotonic() + PATIENCE_S
        while not os.path.exists(port_file) or not open(port_file).read().strip():
            assert self.process.poll() is None and time.monotonic() < until, "grud does not start"
            time.sleep(0.02)
        self.port = int(open(port_file).read())
        self.ask(f"{MODEL}/sessions/kept/step", b'{"x":[1,2,3,4,5]}')

    def ask(self, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body,
                                         {"Content-Type": "application/json"})
        with direct.open(request, timeout=PATIENCE_S) as reply:
            return reply.read().decode()

    def contents(self):
        return [self.ask(path) for path in (MODEL, f"{MODEL}/sessions", f"{MODEL}/sessions/kept",
                                            "/v1/fine_tuning/jobs")]

    def refusals(self):
        """How many requests were answered with each of the codes, by route."""
        lines = self.ask("/metrics").splitlines()
        return [line for line in lines if line.startswith("grud_http_requests_total")
                and 'code="403"' in line and not line.endswith(" 0")]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE_S) == 0, "grud does not stop cleanly"


def show(browser, folder, url, meanwhile=lambda: None):
    """Opens a page, and returns what it reports. Names that end in .example are this machine."""
    process = subprocess.Popen(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
         f"--user-data-dir={folder}/profile", "--no-proxy-server",
         "--host-resolver-rules=MAP *.example 127.0.0.1", url],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        meanwhile()
        return results.get(timeout=PATIENCE_S)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def check_attack(browser, folder):
    pages, port = serve_pages()
    grud = Grud(folder, "--cors-origin", f"https://a.example,http://friend.example:{port}")
    before = grud.contents()
    told = show(browser, folder, f"http://evil.example:{port}/attack.html?grud=127.0.0.1:{grud.port}")
    assert grud.contents() == before, f"a page of another origin changed something: {told}"
    for name in ("json", "PUT", "DELETE", "reading"):
        assert told[name] == "TypeError", f"{name}: {told[name]}"
    assert len(grud.refusals()) >= 4, f"the page's requests did not arrive: {grud.refusals()}"
    told = show(browser, folder, f"http://localhost:{port}/attack.html?grud=localhost:{grud.port}")
    assert grud.contents() == before, f"a page of the same site changed something: {told}"
    told = show(browser, folder, f"http://friend.example:{port}/friend.html?grud=127.0.0.1:{grud.port}")
    assert told["step"][0] == 200 and told["step"][1]["step"] == 1, told
    assert told["error"][0] == 400 and told["error"][1]["error"]["code"] == "invalid_json", told
    pages.shutdown()
    grud.stop()


def check_rebound(browser, folder):
    pages, port = serve_pages()
    ears, ears_port = serve_pages()
    shown = threading.Event()
    started = []

    def answer(handler):
        Pages.do_GET_before(handler)
        shown.set()

    def rebind():
        assert shown.wait(PATIENCE_S), "the page was not shown"
        pages.shutdown()
        pages.server_close()
        started.append(Grud(folder, port=port))

    Pages.do_GET_before, Pages.do_GET = Pages.do_GET, answer
    told = show(browser, folder, f"http://rebound.example:{port}/rebound.html?tell=127.0.0.1:{ears_port}",
                rebind)
    for name, (status, text) in told.items():
        assert status == 421 and "host_refused" in text, f"{name}: {status} {text}"
    grud = started[0]
    assert '"step":1,' in grud.ask(f"{MODEL}/sessions/kept"), "the rebound page changed something"
    assert "stolen" not in grud.ask(f"{MODEL}/sessions"), "the rebound page made a step"
    ears.shutdown()
    grud.stop()


def main():
    checks = (check_attack, check_rebound)
    for check in checks:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            check(sys.argv[1], folder)
    print(f"browser: {len(checks)} of {len(checks)} passed")


main()
