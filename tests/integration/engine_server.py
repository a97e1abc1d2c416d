"""An OpenAI-compatible server on loopback that does what a test tells it to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar

#: seconds after which a handler that is to hang ends by itself, should a test forget it
_LONGEST = 60.0


@dataclass
class Exchange:
    """One request, and the ways to answer it."""

    handler: BaseHTTPRequestHandler
    path: str
    body: Mapping[str, Any]
    number: int  # of the questions so far, from 1
    ended: threading.Event

    def send(self, status: int, kind: str, data: bytes, **headers: str) -> None:
        self.handler.send_response(status)
        self.handler.send_header("Content-Type", kind)
        self.handler.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.handler.send_header(name.replace("_", "-"), value)
        self.handler.end_headers()
        self.handler.wfile.write(data)

    def json(self, value: Any, status: int = 200, **headers: str) -> None:
        self.send(status, "application/json", json.dumps(value).encode(), **headers)

    def begin_stream(self, kind: str = "text/event-stream; charset=utf-8") -> None:
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", kind)
        self.handler.send_header("Transfer-Encoding", "chunked")
        self.handler.end_headers()

    def chunk(self, data: bytes) -> None:
        self.handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.handler.wfile.flush()

    def event(self, value: Any) -> None:
        self.chunk(b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n")

    def end_stream(self, *, done: bool = True) -> None:
        if done:
            self.chunk(b"data: [DONE]\n\n")
        self.chunk(b"")

    def hang(self) -> None:
        self.ended.wait(_LONGEST)

    def cut(self) -> None:
        """As an engine that crashes."""
        with suppress(OSError):
            self.handler.connection.shutdown(socket.SHUT_RDWR)


E = TypeVar("E", bound=Exchange)


@dataclass
class Server:
    url: str
    requests: list[Mapping[str, Any]] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)  # a client went away


@contextmanager
def serving(act: Callable[[E], None], kind: type[E], get: Any = None) -> Iterator[Server]:
    """`act` answers each POST; `get` is the answer to every GET, if there is one."""
    ended, lock = threading.Event(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.close_connection = True
            if get is None:
                self.send_error(501)
                return
            Exchange(self, self.path, {}, 0, ended).json(get)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                made.requests.append(body)
                number = len(made.requests)
            self.close_connection = True
            try:
                act(kind(self, self.path, body, number, ended))
            except OSError:
                made.gone.set()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made = Server(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
