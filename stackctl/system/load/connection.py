"""One connection to the server: a request, and its answer into an outcome."""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from stackctl.model import StackError
from stackctl.model.load import Outcome, Target
from stackctl.system.load.answer import Answer
from stackctl.system.load.events import Broken, Events
from stackctl.system.load.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Door:
    """Where requests go, and the head they have."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    head: bytes
    streams: bool

    def request(self, body: bytes) -> bytes:
        return b"%bContent-Length: %d\r\n\r\n%b" % (self.head, len(body), body)


def door(target: Target) -> Door:
    """Raises StackError (usage) for what is no address of an API."""
    try:
        parts = urlsplit(target.url)
        port = parts.port
    except ValueError as error:
        raise _no_address(target.url, str(error)) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _no_address(target.url, "it has to begin with http:// or https://")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise _no_address(f"{parts.scheme}://{parts.hostname}/...", "only scheme, host and path")
    try:
        host = (
            parts.hostname.encode("idna").decode() if ":" not in parts.hostname else parts.hostname
        )
        path = parts.path.rstrip("/").encode("ascii").decode()
        key = target.key.encode("ascii").decode()
    except UnicodeError:
        raise _no_address(parts.hostname, "host, path and key have to be ASCII") from None
    if any(c.isspace() or not c.isprintable() for c in path + key):
        raise _no_address(parts.hostname, "blanks or line ends in its path or in the key")
    secure = parts.scheme == "https"
    default = 443 if secure else 80
    shown = f"[{host}]" if ":" in host else host
    name = shown if port in (None, default) else f"{shown}:{port}"
    lines = [
        f"POST {path}{target.path} HTTP/1.1",
        f"Host: {name}",
        "User-Agent: stackctl-bench",
        f"Accept: {'text/event-stream' if target.streams else 'application/json'}",
        f"Content-Type: {target.content_type}",
    ]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    head = "".join(f"{line}\r\n" for line in lines).encode()
    tls = ssl.create_default_context() if secure else None
    return Door(host, port or default, tls, head, target.streams)


def _no_address(shown: str, why: str) -> StackError:
    return StackError(
        f"{shown}: not the address of an API: {why}",
        fix="https://HOST/v1, or what its maker calls the base URL",
        exit_code=2,
    )


#: as many silences that were just short enough, and it is no answer any more
_WHOLE = 12


class Connection(asyncio.Protocol):
    """One request at a time. A used connection may be closed by the server at any time."""

    def __init__(self) -> None:
        self.used = False
        self._transport: asyncio.Transport | None = None
        self._answer: Answer | None = None
        self._events: Events | Transcript | None = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._began = 0.0
        self._patience = 0.0

    @property
    def open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def ask(
        self,
        request: bytes,
        outcome: Outcome,
        began: float,
        limit: int | None,
        patience: float,
    ) -> Answer:
        """Send, and wait until the answer is whole. `limit`: chunks of a stream; None: a
        transcript. Raises Broken."""
        if self._transport is None:
            raise Broken("closed", "the server closed the connection")
        loop = asyncio.get_running_loop()
        self._events = (
            Transcript(outcome, began) if limit is None else Events(outcome, began, limit)
        )
        self._answer = Answer(self._events)
        self._began, self._patience = began, patience
        self._waiter = loop.create_future()
        timer = loop.call_later(patience, self._overdue)
        self._timer = timer
        self._transport.write(request)
        try:
            answer = await self._waiter
        finally:
            self._timer.cancel()
            self._waiter = None
        self.used = True
        if not answer.keep:
            self.close()
        return answer

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        answer, waiter = self._answer, self._waiter
        if answer is None or waiter is None or waiter.done():
            self.close()  # bytes that nobody asked for
            return
        try:
            answer.feed(data, now)
        except Broken as broken:
            self._fail(broken)
            return
        if answer.complete:
            waiter.set_result(answer)

    def eof_received(self) -> None:
        if self._waiter and not self._waiter.done() and self._answer:
            try:
                self._answer.eof()
            except Broken as broken:
                self._fail(broken)
            else:
                self._waiter.set_result(self._answer)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if error is None:
            self.eof_received()
        elif self._waiter and not self._waiter.done():
            started = self._answer is not None and self._answer.started
            self._fail(Broken("cut-stream" if started else "closed", str(error)))

    def close(self) -> None:
        if self._transport:
            self._transport.abort()
            self._transport = None

    def _fail(self, broken: Broken) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(broken)
        self.close()

    def _overdue(self) -> None:
        if self._waiter is None or self._waiter.done() or not self._events or not self._answer:
            return
        # tokens move the end of the patience: cheaper than a new timer for each of them
        now = time.perf_counter()
        left = (self._events.last or self._began) + self._patience - now
        if now - self._began > _WHOLE * self._patience:
            self._fail(Broken("too-slow", f"no end in {_WHOLE * self._patience:g} s"))
            return
        if left > 0.001:
            self._timer = asyncio.get_running_loop().call_later(left, self._overdue)
            return
        span = f"in {self._patience:g} s"
        if self._events.last:
            self._fail(Broken("stalled", f"no further token {span}"))
        elif self._events.seen:
            self._fail(Broken("keep-alives-only", f"bytes, and no token {span}"))
        else:
            self._fail(Broken("no-answer", f"not a token {span}"))
