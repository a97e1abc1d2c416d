"""One POST to an OpenAI-compatible server, read to its end, which comes within a set time."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from stackctl.model.reply import Broken, Reply
from stackctl.system.sse import Events

_CONNECT = 5.0  # seconds
_MOST = 64 << 20  # bytes of an answer; a window of a million tokens has a tenth of it
_SHOWN = 400  # characters of evidence
_HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class Door:
    """Where to ask: `http://127.0.0.1:8000`. `ca`: a file with who signed its certificate."""

    url: str
    key: str = field(default="", repr=False)
    ca: str = ""


class _NotJson(ValueError):
    pass


@dataclass
class _Reading:
    """What has been read so far; a fault on the way leaves what came before it."""

    began: float
    status: int = 0
    streamed: bool = False
    retry_after: str = ""
    raw: bytearray = field(default_factory=bytearray)
    events: list[Any] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    sse: Events = field(default_factory=Events)
    done: bool = False

    def reply(self, body: Any = None, broken: Broken | None = None, evidence: str = "") -> Reply:
        return Reply(
            status=self.status,
            body=body,
            streamed=self.streamed,
            events=tuple(self.events),
            times=tuple(self.times),
            done=self.done,
            retry_after=self.retry_after,
            broken=broken,
            evidence=evidence[:_SHOWN],
            seconds=time.monotonic() - self.began,
        )


def post(door: Door, path: str, body: Mapping[str, Any], *, timeout: float) -> Reply:
    """Whatever came back within `timeout` seconds; what went wrong is in it, never raised. A key
    that the server repeats is hidden; the body is text then."""
    reply = _post(door, path, body, timeout)
    if not door.key:
        return reply
    text = json.dumps(reply.body)
    hidden = text.replace(door.key, _HIDDEN) if door.key in text else reply.body
    return replace(reply, body=hidden, evidence=reply.evidence.replace(door.key, _HIDDEN))


def _post(door: Door, path: str, body: Mapping[str, Any], timeout: float) -> Reply:
    reading = _Reading(time.monotonic())
    over = threading.Event()
    try:
        connection = connect(door, timeout)
    except (OSError, ValueError) as error:
        return reading.reply(broken=Broken.UNREACHABLE, evidence=f"{door.url}: {_words(error)}")
    with _deadline(connection, timeout, over):
        try:
            return _exchange(connection, door, path, body, reading)
        except Exception as error:
            if over.is_set() or isinstance(error, TimeoutError):
                return _late(reading, timeout)
            if isinstance(error, UnicodeDecodeError):
                shown = repr(bytes(error.object[max(0, error.start - 40) : error.end + 20]))
                return reading.reply(broken=Broken.NOT_UTF8, evidence=shown)
            if isinstance(error, _NotJson):
                return reading.reply(broken=Broken.NOT_JSON, evidence=str(error))
            if isinstance(error, http.client.IncompleteRead | OSError) or _gone(error):
                return reading.reply(broken=Broken.CUT, evidence=_cut(reading, error))
            if isinstance(error, http.client.HTTPException):
                return reading.reply(broken=Broken.NOT_HTTP, evidence=_words(error))
            raise


def _exchange(
    connection: http.client.HTTPConnection,
    door: Door,
    path: str,
    body: Mapping[str, Any],
    reading: _Reading,
) -> Reply:
    headers = {"Content-Type": "application/json", "Connection": "close"}
    if door.key:
        headers["Authorization"] = f"Bearer {door.key}"
    prefix = urlsplit(door.url).path.rstrip("/")
    connection.request("POST", prefix + path, json.dumps(body).encode(), headers)
    answer = connection.getresponse()
    reading.status = answer.status
    reading.retry_after = answer.headers.get("Retry-After", "")
    kind = answer.headers.get_content_type()
    reading.streamed = kind == "text/event-stream"
    while data := answer.read1(1 << 16):
        if len(reading.raw) + len(data) > _MOST:
            return reading.reply(broken=Broken.TOO_LARGE, evidence=f"more than {_MOST >> 20} MiB")
        reading.raw += data
        if reading.streamed:
            _take(reading, reading.sse.feed(data))
            if reading.done:
                return reading.reply()
    if answer.length:  # read1 says nothing of a body that is shorter than promised
        raise http.client.IncompleteRead(b"", answer.length)
    if reading.streamed:
        if reading.sse.pending:
            raise http.client.IncompleteRead(b"")
        return reading.reply()
    return _document(reading, kind)


def _take(reading: _Reading, found: list[str]) -> None:
    for text in found:
        if text.strip() == "[DONE]":
            reading.done = True
            return
        reading.times.append(time.monotonic() - reading.began)
        reading.events.append(_parse(text))


def _document(reading: _Reading, kind: str) -> Reply:
    text = bytes(reading.raw).decode("utf-8")
    try:
        return reading.reply(_parse(text))
    except _NotJson:
        html = kind == "text/html" or text.lstrip()[:15].lower().startswith(("<!doctype", "<html"))
        broken = Broken.HTML if html else Broken.NOT_JSON
        # an error's text is an answer even where it is no JSON
        return reading.reply(text, None if reading.status >= 400 and not html else broken, text)


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _NotJson(text) from None


def connect(door: Door, timeout: float) -> http.client.HTTPConnection:
    """OSError or ValueError. `timeout` is for each read, in seconds."""
    parts = urlsplit(door.url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        trust = ssl.create_default_context(cafile=door.ca or None)
        made: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, parts.port, timeout=min(_CONNECT, timeout), context=trust
        )
    else:
        made = http.client.HTTPConnection(host, parts.port, timeout=min(_CONNECT, timeout))
    made.connect()
    made.sock.settimeout(timeout)
    return made


@contextmanager
def _deadline(
    connection: http.client.HTTPConnection, seconds: float, over: threading.Event
) -> Iterator[None]:
    """The time of a socket is for each read: whoever says a little now and then has no end."""
    sock = connection.sock

    def end() -> None:
        over.set()
        with suppress(OSError):
            # not SSLSocket's own: that would take the reader's state from under it
            socket.socket.shutdown(sock, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        connection.close()


def _late(reading: _Reading, timeout: float) -> Reply:
    if reading.events or (reading.raw and not reading.streamed):
        return reading.reply(broken=Broken.SLOW, evidence=f"not ended after {timeout:.0f} s")
    if reading.sse.comments:
        said = f"{reading.sse.comments} keep-alives and no event within {timeout:.0f} s"
        return reading.reply(broken=Broken.SILENT, evidence=said)
    return reading.reply(broken=Broken.NO_ANSWER, evidence=f"nothing within {timeout:.0f} s")


def _gone(error: Exception) -> bool:
    return isinstance(error, http.client.RemoteDisconnected)


def _cut(reading: _Reading, error: Exception) -> str:
    after = f"{len(reading.events)} events" if reading.streamed else f"{len(reading.raw)} bytes"
    return f"the connection ended after {after} ({type(error).__name__})"


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
