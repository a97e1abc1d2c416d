"""An OpenAI-compatible server on loopback that answers as a test tells it to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: seconds after which a handler that is to hang ends by itself
_LONGEST = 60.0
MODELS = {"data": [{"id": "m", "max_model_len": 900}]}


@dataclass
class Request:
    """One request, and the ways to answer it."""

    handler: BaseHTTPRequestHandler
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

    def refuse(self, status: int, message: str, **headers: str) -> None:
        data = json.dumps({"error": {"message": message}}).encode()
        self.send(status, "application/json", data, **headers)

    def begin(self) -> None:
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", "text/event-stream")
        self.handler.send_header("Transfer-Encoding", "chunked")
        self.handler.end_headers()

    def raw(self, data: bytes) -> None:
        self.handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.handler.wfile.flush()

    def event(self, value: Any) -> None:
        self.raw(b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n")

    def delta(self, **delta: Any) -> None:
        self.event({"choices": [{"delta": delta}]})

    def finish(self, reason: str = "stop", **usage: int) -> None:
        self.event({"choices": [{"delta": {}, "finish_reason": reason}]})
        if usage:
            self.event({"choices": [], "usage": usage})
        self.raw(b"data: [DONE]\n\n")
        self.raw(b"")

    def say(self, text: str) -> None:
        self.begin()
        self.delta(content=text)
        self.finish()

    def cut(self) -> None:
        with suppress(OSError):
            self.handler.connection.shutdown(socket.SHUT_RDWR)

    def hang(self) -> None:
        self.ended.wait(_LONGEST)


@dataclass
class Server:
    url: str
    bodies: list[Mapping[str, Any]] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)  # a client went away


@contextmanager
def serving(act: Callable[[Request], None]) -> Iterator[Server]:
    """`act` answers each question; /v1/models is answered with MODELS."""
    ended, lock = threading.Event(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.close_connection = True
            data = json.dumps(MODELS).encode()
            Request(self, {}, 0, ended).send(200, "application/json", data)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                made.bodies.append(body)
                number = len(made.bodies)
            self.close_connection = True
            try:
                act(Request(self, body, number, ended))
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
