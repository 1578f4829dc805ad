"""A server on this machine that does what servers do when they do not do what they should."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Answer = Callable[["Handler"], None]


class Hostile(http.server.ThreadingHTTPServer):
    """`answers`: path -> what it does. `requests`: the paths that were asked for. `over`: ends what waits."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.requests: list[str] = []
        self.over = threading.Event()
        self.address = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that hangs up


class Handler(http.server.BaseHTTPRequestHandler):
    server: Hostile

    def do_GET(self) -> None:
        path = self.path.lstrip("/")
        self.server.requests.append(path)
        self.server.answers.get(path, lambda handler: handler.send_error(404))(self)
        self.close_connection = True

    def head(self, status: int = 200, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def hostile_server() -> Iterator[Hostile]:
    with Hostile() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.over.set()
        server.shutdown()


def whole(body: bytes) -> Answer:
    def answer(handler: Handler) -> None:
        handler.head(Content_Length=len(body))
        handler.wfile.write(body)

    return answer


def silent(handler: Handler) -> None:
    """Takes the request and says nothing."""
    handler.server.over.wait(60)


def stalling(body: bytes, sent: int) -> Answer:
    """Sends the first bytes, and then nothing."""

    def answer(handler: Handler) -> None:
        handler.head(Content_Length=len(body))
        handler.wfile.write(body[:sent])
        handler.wfile.flush()
        handler.server.over.wait(60)

    return answer


def dripping(body: bytes, seconds: float) -> Answer:
    """A byte at a time: never silent, and never done."""

    def answer(handler: Handler) -> None:
        handler.head(Content_Length=len(body))
        for index in range(len(body)):
            handler.wfile.write(body[index : index + 1])
            if handler.server.over.wait(seconds):
                return

    return answer


def busy(body: bytes, times: int, retry_after: object) -> Answer:
    """HTTP 503 with Retry-After, `times` times; then the file."""
    refused = []

    def answer(handler: Handler) -> None:
        if len(refused) == times:
            return whole(body)(handler)
        refused.append(1)
        handler.head(503, Retry_After=retry_after, Content_Length=0)

    return answer


def endless(handler: Handler) -> None:
    """No length, and no end."""
    handler.head()
    while not handler.server.over.is_set():
        handler.wfile.write(bytes(1 << 16))


def announcing(length: int) -> Answer:
    """Announces a length, and sends it."""
    return lambda handler: whole(bytes(length))(handler)


def compressed(size: int) -> Answer:
    """A body that unpacks to `size` bytes, though none was asked for."""

    body = gzip.compress(bytes(size))

    def answer(handler: Handler) -> None:
        handler.head(Content_Length=len(body), Content_Encoding="gzip")
        handler.wfile.write(body)

    return answer
