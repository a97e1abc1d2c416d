"""Clients of the gateway: a polite one (requests), and one that sends whatever bytes it likes."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import requests

from tests.integration.gateway.door import Door

CHAT = "/v1/chat/completions"
MAIN = "gpt-oss-120b"
#: seconds for one answer
PATIENCE = 20.0


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def fake(**how: Any) -> dict[str, str]:
    """How a fake engine is to answer."""
    return {"X-Fake": json.dumps(how)}


def post(
    door: Door, key: str, path: str = CHAT, headers: Mapping[str, str] | None = None, **more: Any
) -> requests.Response:
    more.setdefault("timeout", PATIENCE)
    # an answer that is kept keeps its connection, and that an old process of HAProxy's
    own = bearer(key) | {"Connection": "close"}
    return requests.post(door.url + path, headers=own | dict(headers or {}), **more)


def chat(door: Door, key: str, model: str = MAIN, **how: Any) -> requests.Response:
    """A chat completion, answered as told."""
    body = {"messages": [{"role": "user", "content": "hi"}], "model": model}
    return post(door, key, json=body, headers=fake(**how), stream="chunks" in how)


def error(answer: requests.Response | Answer, status: int) -> str:
    """The code of an error that has OpenAI's shape."""
    assert answer.status_code == status, (answer.status_code, answer.text[:500])
    assert answer.headers["content-type"].startswith("application/json")
    body = json.loads(answer.text)["error"]
    assert set(body) == {"message", "type", "param", "code"}
    assert body["message"]
    assert body["type"]
    return str(body["code"])


@dataclass(frozen=True)
class Answer:
    """One answer out of raw bytes."""

    status_code: int
    headers: Mapping[str, str]
    text: str


class Wire:
    """A connection on which anything can be said."""

    def __init__(self, door: Door, *, tls: bool = False) -> None:
        port = door.tls_port if tls else door.http_port
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        if tls:
            context = ssl.create_default_context(cafile=str(door.certificate))
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self._left = b""

    def send(self, data: bytes | str) -> None:
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def half_close(self) -> None:
        """Nothing more will be sent, an answer is still waited for."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def read(self, seconds: float = PATIENCE) -> bytes:
        """Everything until the other side closes, or says nothing for so long."""
        parts = [self._left]
        self.socket.settimeout(seconds)
        with suppress(ConnectionResetError, TimeoutError):
            while part := self.socket.recv(1 << 16):
                parts.append(part)
        self._left = b""
        return b"".join(parts)

    def line(self) -> bytes:
        while b"\n" not in self._left:
            part = self.socket.recv(1 << 16)
            assert part, f"closed after {self._left[:200]!r}"
            self._left += part
        line, _, self._left = self._left.partition(b"\n")
        return line + b"\n"

    def unread(self, data: bytes) -> None:
        self._left = data + self._left

    def exactly(self, count: int) -> bytes:
        while len(self._left) < count:
            part = self.socket.recv(1 << 16)
            assert part, f"closed after {self._left[:200]!r}"
            self._left += part
        data, self._left = self._left[:count], self._left[count:]
        return data

    def answer(self) -> Answer:
        """The next answer, with a body of known length."""
        status = int(self.line().split()[1])
        headers = {}
        while row := self.line().strip():
            name, _, value = row.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        body = self.exactly(int(headers.get("content-length", "0")))
        return Answer(status, headers, body.decode("utf-8", "replace"))

    def event(self) -> dict[str, Any]:
        """The next server-sent event."""
        while not (line := self.line()).startswith(b"data: {"):
            pass
        found: dict[str, Any] = json.loads(line[6:])
        return found

    def closed(self) -> bool:
        """Whether the other side closes it, without another word."""
        return self.read() == b""


@contextmanager
def wire(door: Door, *, tls: bool = False) -> Iterator[Wire]:
    connection = Wire(door, tls=tls)
    try:
        yield connection
    finally:
        connection.socket.close()


def head(method: str, path: str, key: str = "", /, **headers: Any) -> str:
    """A request's head; names of headers with _ for -."""
    lines = [f"{method} {path} HTTP/1.1", "Host: door"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines) + "\r\n\r\n"


def raw_chat(key: str, *, path: str = CHAT, model: str = MAIN, **how: Any) -> str:
    """A whole request for a chat completion."""
    body = json.dumps({"model": model})
    return head("POST", path, key, Content_Length=len(body), X_Fake=json.dumps(how)) + body


def statuses(data: bytes) -> list[int]:
    """Of every answer in these bytes."""
    return [int(part[2:5]) for part in data.split(b"HTTP/1.")[1:]]


def refused(connection: Wire) -> int:
    """Status of a refusal; 0 where the connection was closed at once.

    What is no HTTP at all HAProxy answers in its own words, which cannot be changed.
    """
    try:
        line = connection.line()
    except (AssertionError, ConnectionResetError):
        return 0
    connection.unread(line)
    answer = connection.answer()
    assert 400 <= answer.status_code < 500 or answer.status_code == 501, answer
    if answer.headers["content-type"].startswith("text/html"):
        assert answer.status_code in (400, 408, 413, 422, 431), answer
        assert answer.text.startswith("<html><body><h1>4")
    else:
        error(answer, answer.status_code)
    return answer.status_code


def works(door: Door, key: str) -> None:
    """A good client is served."""
    answer = chat(door, key)
    assert answer.status_code == 200, answer.text
