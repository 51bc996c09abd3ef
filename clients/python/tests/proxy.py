"""A server between client and grud, which loses what it is told to lose."""

import socket
import threading


class Proxy:
    """Passes each request on, and the answer back. `loses(n)` says what of the n-th exchange is
    lost with its connection: the "request", the second half of the "answer", or nothing (None)."""

    def __init__(self, port, loses):
        self._port = port
        self._loses = loses
        self.n_requests = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with client, socket.create_connection(("127.0.0.1", self._port)) as grud, \
                client.makefile("rb") as from_client, grud.makefile("rb") as from_grud:
            while True:
                request = read_message(from_client)
                if not request:
                    return
                lost = self._loses(self.n_requests)
                self.n_requests += 1
                if lost == "request":
                    return
                grud.sendall(request)
                answer = read_message(from_grud)
                if lost == "answer":
                    client.sendall(answer[:len(answer) // 2])
                    return
                client.sendall(answer)


def read_message(file):
    """A head, and as much of a body as Content-Length says."""
    head = b""
    n_body = 0
    for line in file:
        head += line
        if line.lower().startswith(b"content-length:"):
            n_body = int(line.split(b":")[1])
        if line == b"\r\n":
            return head + file.read(n_body)
    return b""


class Canned:
    """Answers each request with the next of these replies, and keeps the requests."""

    def __init__(self, *replies):
        self._replies = list(replies)
        self.requests = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.close()

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, client.makefile("rb") as from_client:
                self.requests.append(read_message(from_client))
                head, body = self._replies.pop(0)
                client.sendall(f"HTTP/1.1 {head}\r\nConnection: close\r\n"
                               f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
