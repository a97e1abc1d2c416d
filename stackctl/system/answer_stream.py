"""One request to an OpenAI-compatible server, its answer handed on event by event.

A thread of its own reads: on Windows Ctrl-C does not end a read, and nowhere does a deadline end a
lookup of a name.
"""

from __future__ import annotations

import http.client
import json
import queue
import socket
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from stackctl.model.reply import Broken, Reply
from stackctl.system.exchange import Door, connect
from stackctl.system.sse import Events

_POLL = 0.1  # seconds; a wait in Windows hears of Ctrl-C only when it ends
_MOST = 64 << 20  # bytes of an answer
_MOST_OF_EVENT = 4 << 20  # bytes
_SHOWN = 400  # characters of evidence


class Failed(Exception):
    """There is no (whole) answer. `reply` has what there was instead."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.evidence)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class _Event:
    value: Any


class _Comment:
    """A line that only keeps the connection alive."""


class _End:
    pass


_Item: TypeAlias = _Event | _Comment | _End | Failed | Exception


@dataclass
class _Reader:
    door: Door
    path: str
    body: Mapping[str, Any] | None
    silence: float
    inbox: queue.SimpleQueue[_Item] = field(default_factory=queue.SimpleQueue)
    sock: socket.socket | None = None
    stopped: bool = False
    status: int = 0
    retry_after: str = ""

    def run(self) -> None:
        try:
            connection = self._connect()
            try:
                self._exchange(connection)
            finally:
                connection.close()
            self.inbox.put(_End())
        except Failed as failed:
            self.inbox.put(failed)
        except UnicodeDecodeError as error:
            shown = repr(bytes(error.object[max(0, error.start - 40) : error.end + 20]))
            self.inbox.put(self.failed(Broken.NOT_UTF8, shown))
        except (http.client.IncompleteRead, http.client.RemoteDisconnected, OSError) as error:
            kind = Broken.CUT if self.sock else Broken.UNREACHABLE
            self.inbox.put(self.failed(kind, str(error) or type(error).__name__))
        except http.client.HTTPException as error:
            self.inbox.put(self.failed(Broken.NOT_HTTP, str(error) or type(error).__name__))
        except Exception as error:  # noqa: BLE001 - a bug: for the other thread to raise
            self.inbox.put(error)

    def stop(self) -> None:
        """The engine hears of it at once, and is free."""
        self.stopped = True
        if self.sock:
            with suppress(OSError):
                # not SSLSocket's own: that would take the reader's state from under it
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def _connect(self) -> http.client.HTTPConnection:
        try:
            connection = connect(self.door, self.silence)
        except (OSError, ValueError) as error:
            shown = str(error) or type(error).__name__
            raise self.failed(Broken.UNREACHABLE, shown) from None
        # who waits here is told of silence by its own clock
        connection.sock.settimeout(None)
        self.sock = connection.sock
        if self.stopped:
            connection.close()
            raise self.failed(Broken.CUT, "stopped")
        return connection

    def _exchange(self, connection: http.client.HTTPConnection) -> None:
        headers = {"Connection": "close", "Accept": "text/event-stream, application/json"}
        if self.door.key:
            headers["Authorization"] = f"Bearer {self.door.key}"
        data = None
        if self.body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(self.body).encode()
        path = urlsplit(self.door.url).path.rstrip("/") + self.path
        with suppress(ConnectionError):  # it may have refused, and said so, before it read it all
            connection.request("POST" if data is not None else "GET", path, data, headers)
        with connection.getresponse() as answer:
            self.status = answer.status
            self.retry_after = answer.headers.get("Retry-After", "")
            kind = answer.headers.get_content_type()
            if answer.status == 200 and kind == "text/event-stream":
                self._stream(answer)
            else:
                self._document(_all(answer), kind)

    def _stream(self, answer: http.client.HTTPResponse) -> None:
        events, total, since = Events(), 0, 0
        while data := answer.read1(1 << 16):
            total, since = total + len(data), since + len(data)
            if total > _MOST or since > _MOST_OF_EVENT:
                raise self.failed(Broken.TOO_LARGE, f"{total >> 20} MiB")
            # by lines: what came before one that cannot be read is worth showing
            for line in data.splitlines(keepends=True):
                comments = events.comments
                for text in events.feed(line):
                    since = 0
                    if text.strip() == "[DONE]":
                        return
                    self.inbox.put(_Event(self._parsed(text)))
                if events.comments > comments:
                    since = 0
                    self.inbox.put(_Comment())
        if answer.length or events.pending:
            raise http.client.IncompleteRead(b"", answer.length)

    def _document(self, data: bytes, kind: str) -> None:
        text = data.decode("utf-8", "strict" if self.status == 200 else "replace")
        html = kind == "text/html" or text.lstrip()[:15].lower().startswith(("<!doctype", "<html"))
        if html:
            raise self.failed(Broken.HTML, text)
        if self.status == 200:
            self.inbox.put(_Event(self._parsed(text)))
            return
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            body = text
        raise self.failed(None, text, body)

    def _parsed(self, text: str) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise self.failed(Broken.NOT_JSON, text) from None

    def failed(self, broken: Broken | None, evidence: str, body: Any = None) -> Failed:
        return Failed(
            Reply(
                status=self.status,
                body=body,
                retry_after=self.retry_after,
                broken=broken,
                evidence=evidence[:_SHOWN],
            )
        )


def events(
    door: Door, path: str, body: Mapping[str, Any] | None = None, *, silence: float
) -> Generator[Any, None, None]:
    """Each event of a POST of `body` (without one: of a GET); a document is one event. Failed, also
    after `silence` seconds without one. Closing the iterator closes the connection."""
    reader = _Reader(door, path, body, silence)
    threading.Thread(target=reader.run, daemon=True).start()
    heard = comments = 0
    deadline = time.monotonic() + silence
    try:
        while True:
            match _next(reader.inbox):
                case _Event(value):
                    heard += 1
                    yield value
                    deadline = time.monotonic() + silence
                case _Comment():
                    comments += 1
                case _End():
                    return
                case Failed(reply=reply):
                    raise Failed(_hidden(reply, door.key))
                case Exception() as bug:
                    raise bug
                case None:
                    pass
            if time.monotonic() >= deadline:
                raise reader.failed(_silent(heard, comments), f"nothing for {silence:.0f} s")
    finally:
        reader.stop()


def _next(inbox: queue.SimpleQueue[_Item]) -> _Item | None:
    try:
        return inbox.get(timeout=_POLL)
    except queue.Empty:
        return None


def _silent(heard: int, comments: int) -> Broken:
    if heard:
        return Broken.SLOW
    return Broken.SILENT if comments else Broken.NO_ANSWER


def _hidden(reply: Reply, key: str) -> Reply:
    """Without the key, which a server may repeat; the body is text then."""
    if not key:
        return reply
    text = json.dumps(reply.body)
    body = text.replace(key, "***") if key in text else reply.body
    return replace(reply, body=body, evidence=reply.evidence.replace(key, "***"))


def _all(answer: http.client.HTTPResponse) -> bytes:
    data = answer.read(_MOST)
    if answer.length and len(data) < _MOST:  # shorter than promised, of which read says nothing
        raise http.client.IncompleteRead(data, answer.length)
    return data
