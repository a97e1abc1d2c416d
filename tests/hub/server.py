"""HTTP/1.1 with keep-alive on threads; its own parser, for thousands of small files a second."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable
from typing import Any

from tests.hub.messages import Answer, Request, Served
from tests.hub.wire import Sender

Respond = Callable[[Request], tuple[Answer, tuple[str, ...]]]
_LONGEST_HEAD = 1 << 16


class Server(socketserver.ThreadingTCPServer):
    """Answers until `stop`; then every connection is closed and every thread has ended."""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], respond: Respond) -> None:
        super().__init__(address, _Connection)
        self.respond = respond
        self.log: list[Served] = []
        self.failures: list[Exception] = []
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._busy = 0
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(
            target=self.serve_forever, args=(0.02,), name="hub", daemon=True
        )

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self.shutdown()
        self._thread.join()
        with self._changed:
            for sock in self._open:
                _hang_up(sock)
        self.server_close()

    def sleep(self, seconds: float) -> bool:
        """True once the server stops; who waits is not at work, so `settled` need not wait."""
        self._count(-1)
        try:
            return self._stopping.wait(seconds)
        finally:
            self._count(1)

    def settled(self, seconds: float = 1.0) -> None:
        """A client may have read the last byte before the log says so: wait for the log."""
        with self._changed:
            self._changed.wait_for(lambda: not self._busy, seconds)

    def serve(self, sock: socket.socket, request: Request, *, close: bool) -> bool:
        """Answer one request; whether the connection can go on."""
        self._count(1)
        try:
            answer, faults = self.respond(request)
            line = Served(
                request.method,
                request.target,
                request.headers.get("range"),
                answer.status,
                request.host,
                "authorization" in request.headers,
                request.headers.get("user-agent", ""),
                faults,
            )
            self.log.append(line)
            return Sender(sock, answer, line, self.sleep).send(close=close)
        finally:
            self._count(-1)

    def get_request(self) -> tuple[socket.socket, Any]:
        sock, peer = super().get_request()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._changed:
            self._open.add(sock)
        return sock, peer

    def close_request(self, request: Any) -> None:
        with self._changed:
            self._open.discard(request)
        super().close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away as they like; anything else is a bug of ours and kept for the end."""

    def _count(self, change: int) -> None:
        with self._changed:
            self._busy += change
            self._changed.notify_all()


class _Connection(socketserver.BaseRequestHandler):
    """Requests of one client, one after the other."""

    server: Server
    request: socket.socket

    def handle(self) -> None:
        try:
            self._loop()
        except OSError:
            return
        except Exception as problem:  # noqa: BLE001 - told at the end, by whoever opened the hub
            self.server.failures.append(problem)

    def _loop(self) -> None:
        buffer, more = b"", True
        while more:
            while (end := buffer.find(b"\r\n\r\n")) < 0:
                if len(buffer) > _LONGEST_HEAD or not (got := self.request.recv(1 << 16)):
                    return
                buffer += got
            request = _parse(buffer[:end])
            buffer = buffer[end + 4 :]
            # what a client posts is of no interest, but must be out of the way
            left = int(request.headers.get("content-length", 0))
            while len(buffer) < left:
                if not (got := self.request.recv(1 << 16)):
                    return
                buffer += got
            buffer = buffer[left:]
            close = request.headers.get("connection", "").lower() == "close"
            more = self.server.serve(self.request, request, close=close)


def _parse(head: bytes) -> Request:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines)
    return Request(method, target, {name.lower(): value.strip() for name, _, value in pairs})


def _hang_up(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
