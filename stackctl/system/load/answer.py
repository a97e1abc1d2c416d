"""One HTTP/1.1 answer, byte by byte as it comes: head, chunks, and what an error says."""

from __future__ import annotations

import json

from stackctl.system.load.events import Broken, Events, error_text
from stackctl.system.load.transcript import Transcript

_HEAD = 64 << 10
_ERROR_BODY = 64 << 10


class Answer:
    """`feed` until `complete`. `keep`: the connection may be used again afterwards."""

    def __init__(self, events: Events | Transcript) -> None:
        self.events = events
        self.status = 0
        self.headers: dict[bytes, bytes] = {}
        self.complete = False
        self.keep = False
        self.started = False  # any byte came
        self._rest = b""
        self._chunked = False
        self._left: int | None = None  # bytes of the body still to come; None: until the end
        self._chunk = 0  # bytes of the running chunk still to come, its line end included
        self._ending = False  # the last chunk came, its trailer not yet
        self._error = b""

    def feed(self, data: bytes, now: float) -> None:
        """Raises Broken."""
        self.started = True
        if not self.status:
            self._rest += data
            if not self._head():
                return
            data, self._rest = self._rest, b""
        if not data and self._left != 0:
            return  # the head came alone
        if self._chunked:
            self._dechunk(data, now)
        elif self._left is None:
            self._body(data, now)
        else:
            self._body(data[: self._left], now)
            self._left -= len(data)
            if self._left <= 0:
                self._end()

    def eof(self) -> None:
        """The server closed the connection. Raises Broken unless that ends the answer."""
        self.keep = False
        if self.complete:
            return
        if not self.started:
            raise Broken("closed", "the server closed the connection without an answer")
        if not self.status:
            raise Broken("not-http", "the head of the answer has no end")
        if (self._chunked or self._left is not None) and not self.events.done:
            raise Broken("cut-stream", "the connection was closed within the answer")
        self._end()

    def _head(self) -> bool:
        """Whether the head is there; `_rest` is then what follows it."""
        while not self.status:
            head, separator, rest = self._rest.partition(b"\r\n\r\n")
            if not separator:
                if len(self._rest) > _HEAD or not b"HTTP/1.".startswith(self._rest[:7]):
                    raise Broken("not-http", ascii(self._rest[:60])[2:-1])
                return False
            lines = head.split(b"\r\n")
            first = lines[0].split(b" ", 2)
            if not first[0].startswith(b"HTTP/1.") or len(first) < 2 or not first[1].isdigit():
                raise Broken("not-http", ascii(lines[0][:60])[2:-1])
            self._rest = rest
            if first[1][:1] == b"1":
                continue  # 100 Continue and its like come ahead of the answer
            self.status = int(first[1])
            for line in lines[1:]:
                name, _, value = line.partition(b":")
                self.headers[name.strip().lower()] = value.strip()
            self._shape(first[0])
        return True

    def _shape(self, version: bytes) -> None:
        headers = self.headers
        connection = headers.get(b"connection", b"").lower()
        self.keep = version != b"HTTP/1.0" and b"close" not in connection
        self._chunked = b"chunked" in headers.get(b"transfer-encoding", b"").lower()
        length = headers.get(b"content-length")
        if not self._chunked and length is not None:
            if not length.isdigit():
                raise Broken("not-http", f"Content-Length: {ascii(length[:20])[2:-1]}")
            self._left = int(length)
        elif not self._chunked:
            self.keep = False
        if self.status == 200:
            kind = headers.get(b"content-type", b"").partition(b";")[0].lower()
            if kind and kind != self.events.kind:
                name = "html" if kind == b"text/html" else "not-a-stream"
                raise Broken(name, f"Content-Type: {ascii(kind)[2:-1]}")

    def _dechunk(self, data: bytes, now: float) -> None:
        if not (self._rest or self._chunk or self._ending):
            # whole chunks without a line end inside, as they come from every engine: ten times
            # faster than one by one
            pieces = data.split(b"\r\n")
            bodies = pieces[1:-1:2]
            if not pieces[-1] and [b"%x" % len(body) for body in bodies] == pieces[:-1:2]:
                self._body(b"".join(bodies), now)
                if not bodies[-1]:
                    self._end()
                return
        if self._rest:
            data, self._rest = self._rest + data, b""
        parts = []
        at, size = 0, len(data)
        while at < size:
            if self._chunk:
                take = min(self._chunk, size - at)
                end = at + take
                # the last two bytes of a chunk are its line end
                parts.append(data[at : min(end, at + max(0, self._chunk - 2))])
                self._chunk -= take
                at = end
                continue
            line_end = data.find(b"\r\n", at)
            if line_end < 0:
                self._rest = data[at:]
                if len(self._rest) > 1024:
                    raise Broken("not-http", "a chunk without a size")
                break
            line = data[at:line_end]
            at = line_end + 2
            if self._ending:
                if not line:
                    self.complete = True
                    break
                continue  # a trailer
            try:
                length = int(line.partition(b";")[0], 16)
            except ValueError:
                raise Broken("not-http", f"size of a chunk: {ascii(line[:20])[2:-1]}") from None
            if length:
                self._chunk = length + 2
            else:
                self._ending = True
        if parts:
            self._body(b"".join(parts), now)
        if self.complete:
            self._end()

    def _body(self, data: bytes, now: float) -> None:
        if self.status == 200:
            self.events.feed(data, now)
        elif len(self._error) < _ERROR_BODY:
            self._error += data

    def _end(self) -> None:
        self.complete = True
        if self.status == 200:
            self.events.check_end()

    @property
    def said(self) -> str:
        """The message of an error, as far as it came."""
        try:
            body = json.loads(self._error)
            if isinstance(body, list) and body:
                body = body[0]  # Gemini's
        except (ValueError, RecursionError):
            text = self._error[:100].decode("utf-8", "replace")
            return "an HTML page" if text.lstrip()[:1] == "<" else ascii(text)[1:-1]
        return error_text(body)
