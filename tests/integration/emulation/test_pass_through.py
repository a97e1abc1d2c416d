"""What needs no emulation is the same, byte for byte, with the service and without."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.emulation.service import PATIENCE, emulating

BODY = b'{"messages" : [ {"role":"user","content":"\xec\x84\x9c\\uc11c"} ],  "n":1.0, "n":2}'


@contextmanager
def engine(answer: list[bytes], go_on: threading.Event) -> Iterator[tuple[str, list[bytes]]]:
    """Answers each connection with these bytes, the second and later ones only when told so."""
    got: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                got.append(_request(connection))
                for i, piece in enumerate(answer):
                    assert i == 0 or go_on.wait(PATIENCE)
                    connection.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", got
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)


def _request(connection: socket.socket) -> bytes:
    connection.settimeout(PATIENCE)
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, rest = data.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(rest) < int(line.split(b":")[1]):
                rest += connection.recv(65536)
        elif line.startswith(b"transfer-encoding:"):
            while not rest.endswith(b"0\r\n\r\n"):
                rest += connection.recv(65536)
    return head + b"\r\n\r\n" + rest


def ask(url: str, request: bytes) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    client = socket.create_connection((host, int(port)), PATIENCE)
    client.sendall(request)
    return client


def until(client: socket.socket, mark: bytes) -> bytes:
    """All that comes until a mark, or until the end."""
    data = b""
    while mark not in data and (piece := client.recv(65536)):
        data += piece
    return data


def post(path: bytes, *headers: bytes, body: bytes = BODY) -> bytes:
    length = b"Content-Length: %d" % len(body)
    head = [b"POST " + path + b" HTTP/1.1", b"Host: x", b"Connection: close", length, *headers]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


PLAIN = (
    b"HTTP/1.1 207 Odd\r\nX-Odd: a\r\nx-odd: b\r\nContent-Type: application/json\r\n"
    b"Content-Encoding: gzip\r\nContent-Length: 11\r\nKeep-Alive: 5\r\nServer: me\r\n\r\n"
    b"\x1f\x8b no gzip!"
)


@pytest.mark.parametrize("path", [b"/v1/chat/completions", b"/v1/responses", b"/o%2F//x?a=%20&a=+"])
def test_a_plain_exchange(path: bytes) -> None:
    go_on = threading.Event()
    with engine([PLAIN], go_on) as (there, got), emulating(main=there) as url:
        for request in (
            post(b"/main" + path, b"X-Mine: 1", b"X-Mine: 2", b"Authorization: Bearer k"),
            post(path, b"X-Mine: 1", b"X-Mine: 2", b"X-Stackctl-Server: main"),
        ):
            with ask(url, request) as client:
                answer = until(client, b"no gzip!")
            head, _, data = answer.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 207")
            assert data == b"\x1f\x8b no gzip!"
            lines = head.lower().split(b"\r\n")
            assert lines.count(b"x-odd: a") == lines.count(b"x-odd: b") == 1
            assert lines.count(b"server: me") == 1
            assert b"content-encoding: gzip" in lines
            assert not any(line.startswith((b"keep-alive:", b"date:")) for line in lines)
    for request in got:
        head, _, data = request.partition(b"\r\n\r\n")
        assert head.startswith(b"POST " + path + b" HTTP/1.1")
        assert data == BODY
        lines = head.lower().split(b"\r\n")
        assert lines.count(b"x-mine: 1") == lines.count(b"x-mine: 2") == 1
        names = {line.partition(b":")[0] for line in lines[1:]}
        ours = {b"host", b"content-length", b"via", b"connection"}
        assert names <= ours | {b"x-mine", b"authorization"}


def test_pieces_are_passed_on_as_they_come() -> None:
    go_on = threading.Event()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = [head + b"8\r\n: odd\r\r\xff\r\n", b'5\r\n{"a"\n\r\n0\r\n\r\n']
    with (
        engine(answer, go_on) as (there, _),
        emulating(main=there) as url,
        ask(url, post(b"/main/v1/chat/completions")) as client,
    ):
        first = until(client, b"\xff\r\n")
        assert b"8\r\n: odd\r\r\xff\r\n" in first
        go_on.set()
        assert until(client, b"0\r\n\r\n") == b'5\r\n{"a"\n\r\n0\r\n\r\n'


def test_what_the_engine_cut_is_cut() -> None:
    answer = [b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"]
    with (
        engine(answer, threading.Event()) as (there, _),
        emulating(main=there) as url,
        ask(url, post(b"/main/v1/completions")) as client,
    ):
        data = until(client, b"never")
    assert b"content-length: 50" in data.lower()
    assert data.endswith(b"\r\n\r\nhalf")


def test_a_body_without_a_length_is_streamed() -> None:
    with engine([PLAIN], threading.Event()) as (there, got), emulating(main=there) as url:
        head = b"PUT /main/upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        with ask(url, head + b"5\r\nabcde\r\n0\r\n\r\n") as client:
            until(client, b"no gzip!")
    assert got[0].startswith(b"PUT /upload ")
    assert got[0].partition(b"\r\n\r\n")[2] == b"5\r\nabcde\r\n0\r\n\r\n"


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE", b"OPTIONS"])
def test_other_methods(method: bytes) -> None:
    answer = [b"HTTP/1.1 204 None\r\nX-Mark: end\r\n\r\n"]
    with (
        engine(answer, threading.Event()) as (there, got),
        emulating(main=there) as url,
        ask(url, method + b" /main/health HTTP/1.1\r\nHost: x\r\n\r\n") as client,
    ):
        assert until(client, b"\r\n\r\n").startswith(b"HTTP/1.1 204")
    assert got[0].startswith(method + b" /health HTTP/1.1")
    assert b"transfer-encoding" not in got[0].lower()
