"""Answers onto a socket: as fast as the kernel can, or as badly as a fault demands."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus

from tests.hub.messages import Answer, Served

#: bodies up to this leave together with their header, in one packet or few
_SMALL = 1 << 16
_PIECE = 1 << 20
_SENDFILE = 1 << 24


class Sender:
    """One answer; `sleep` must end early, and say True, once the server stops."""

    def __init__(
        self, sock: socket.socket, answer: Answer, log: Served, sleep: Callable[[float], bool]
    ) -> None:
        self._sock, self._answer, self._log, self._sleep = sock, answer, log, sleep
        self._first = answer.span()[0]
        self._file: int | None = None

    def send(self, *, close: bool) -> bool:
        """Whether the connection can serve another request."""
        wire, whole = self._answer.wire, self._answer.length
        if wire.reset and not wire.cut:
            return _reset(self._sock)
        close = close or wire.unmeasured
        head = _head(self._answer, close=close)
        if self._log.method == "HEAD":
            self._sock.sendall(head)
            return not close
        promised = whole if wire.length is None else wire.length
        stop = min(promised, whole if wire.cut is None else wire.cut)
        try:
            self._open()
            self._body(head, stop)
        finally:
            if self._file is not None:
                os.close(self._file)
        if wire.reset:
            return _reset(self._sock)
        return stop == promised and not close

    def _open(self) -> None:
        content = self._answer.content
        if content is not None:
            self._file = os.open(content.path, os.O_RDONLY)

    def _body(self, head: bytes, stop: int) -> None:
        wire = self._answer.wire
        if wire.pause is not None and wire.pause[0] < stop:
            after, seconds = wire.pause
            self._sock.sendall(head)
            self._stretch(0, after)
            if not self._sleep(seconds):
                self._stretch(after, stop)
        elif stop <= _SMALL and wire.rate is None:
            self._log.sent += stop
            self._sock.sendall(head + self._read(0, stop))
        else:
            self._sock.sendall(head)
            self._stretch(0, stop)

    def _stretch(self, at: int, stop: int) -> None:
        wire = self._answer.wire
        if self._file is not None and not wire.patches and wire.rate is None:
            at = self._sendfile(self._file, at, stop)
        begin, origin = time.monotonic(), at
        size = _PIECE if wire.rate is None else max(1, min(_PIECE, int(wire.rate / 20)))
        while at < stop:
            piece = self._read(at, min(size, stop - at))
            self._sock.sendall(piece)
            at += len(piece)
            self._log.sent += len(piece)
            if wire.rate is not None:
                ahead = (at - origin) / wire.rate - (time.monotonic() - begin)
                if ahead > 0 and self._sleep(ahead):
                    return

    def _sendfile(self, file: int, at: int, stop: int) -> int:
        """How far it came: a file may end earlier than the client was told."""
        while at < stop:
            count = min(stop - at, _SENDFILE)
            sent = os.sendfile(self._sock.fileno(), file, self._first + at, count)
            if not sent:
                break
            at += sent
            self._log.sent += sent
        return at

    def _read(self, at: int, count: int) -> bytes:
        """Body bytes, spoiled where a fault says so, zeros past the end of the file."""
        offset = self._first + at
        if self._file is None:
            return self._answer.body[offset : offset + count]
        piece = bytearray(os.pread(self._file, count, offset))
        piece += bytes(count - len(piece))
        for patch in self._answer.wire.patches:
            patch(piece, offset)
        return bytes(piece)


def _head(answer: Answer, *, close: bool) -> bytes:
    wire = answer.wire
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Unknown"
    headers = {"Date": formatdate(time.time() + wire.skew, usegmt=True), **answer.headers}
    if not wire.unmeasured:
        length = answer.length if wire.length is None else wire.length
        headers["Content-Length"] = str(length)
    headers["Connection"] = "close" if close else "keep-alive"
    lines = [f"HTTP/1.1 {answer.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _reset(sock: socket.socket) -> bool:
    """RST instead of FIN: no linger, and what is unsent is dropped."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
    return False
