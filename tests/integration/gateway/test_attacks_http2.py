"""HTTP/2: its own ways to smuggle, and to keep a server busy."""

from __future__ import annotations

import struct

import pytest

from tests.integration.gateway.client import CHAT, works
from tests.integration.gateway.door import ENGINES, Door, until
from tests.integration.gateway.http2 import BODY, Headers, http2, request

RESETS = 5000


def changed(headers: Headers, name: str, value: str) -> Headers:
    return [(n, value if n == name else v) for n, v in headers]


def odd(key: str) -> dict[str, Headers]:
    """Requests that would be two, or others, once they are written as HTTP/1."""
    good = request(key)
    inner = "x\r\n\r\nPOST /api/pull HTTP/1.1\r\nHost: a\r\n\r\n"
    return {
        "line in a value": [*good, ("x-a", inner)],
        "line in a name": [*good, ("x-a: b\r\nx-stackctl-key", "root")],
        "line in the path": changed(good, ":path", f"{CHAT} HTTP/1.1\r\nX: {inner}"),
        "blank in the path": changed(good, ":path", f"{CHAT} /api/pull"),
        "line in the method": changed(good, ":method", "POST /api/pull HTTP/1.1\r\nX: "),
        "blank in the method": changed(good, ":method", "POST /api/pull"),
        "line in the authority": changed(good, ":authority", f"door\r\n{inner}"),
        "line in the scheme": changed(good, ":scheme", "https\r\nX: y"),
        "path without a slash": changed(good, ":path", "api/pull"),
        "empty path": changed(good, ":path", ""),
        "no path": [(n, v) for n, v in good if n != ":path"],
        "two paths": [(":path", "/api/pull"), *good],
        "path behind the headers": [*good, (":path", "/api/pull")],
        "unknown pseudo header": [(":x", "y"), *good],
        "transfer-encoding": [*good, ("transfer-encoding", "chunked")],
        "connection": [*good, ("connection", "x-stackctl-key")],
        "upgrade": [*good, ("upgrade", "websocket")],
        "te": [*good, ("te", "chunked")],
        "upper case": [*good, ("X-Stackctl-Key", "root")],
        "underscore": [*good, ("x_stackctl_key", "root")],
        "NUL": [*good, ("x-a", "b\0c")],
        "length too small": [*good, ("content-length", "3")],
        "length too large": [*good, ("content-length", "300")],
        "two lengths": [*good, ("content-length", str(len(BODY))), ("content-length", "3")],
        "length of letters": [*good, ("content-length", "x")],
        "connect": changed(good, ":method", "CONNECT"),
        "web socket": [*changed(good, ":method", "CONNECT"), (":protocol", "websocket")],
    }


@pytest.mark.parametrize("case", odd(""))
def test_odd_requests(door: Door, key: str, case: str) -> None:
    with http2(door) as connection:
        status = connection.answer(connection.ask(odd(key)[case], BODY))
        assert status in (0, 200, 400, 401, 403, 404, 405, 501)
    received = [request for name in ENGINES for request in door.engine(name).received]
    assert len(received) <= 1
    for got in received:
        assert got["line"] == f"POST {CHAT} HTTP/1.1"
        names = [name for name, _ in got["headers"]]
        assert ["x-stackctl-key", "client"] in got["headers"]
        assert not any("stackctl" in n and n != "x-stackctl-key" for n in names)
        assert names.count("x-stackctl-key") == 1
        assert "upgrade" not in names
        assert "api/pull" not in got["body"]
    works(door, key)


@pytest.mark.parametrize("good", [True, False])
def test_rapid_resets(door: Door, key: str, good: bool) -> None:
    """Streams that are opened and reset at once: with a key, they reach engines and free them."""
    with http2(door) as connection:
        for _ in range(RESETS):
            if connection.closed:
                break
            stream = connection.h2.get_next_available_stream_id()
            connection.h2.send_headers(stream, request(key if good else "wrong", hang=True))
            if good and connection.room(stream, len(BODY)):
                connection.h2.send_data(stream, BODY, end_stream=True)
            connection.h2.reset_stream(stream)
            connection.flush()
        works(door, key)
    until(door.engine("main").idle, "the engine is free")
    works(door, key)


def frame(kind: int, flags: int, stream: int, data: bytes) -> bytes:
    return (
        struct.pack(">I", len(data))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + data
    )


FLOODS = {
    "pings": frame(6, 0, 0, b"12345678") * 20_000,
    "settings": frame(4, 0, 0, struct.pack(">HI", 4, 65535)) * 20_000,
    "priorities": frame(2, 0, 1, struct.pack(">IB", 0, 1)) * 20_000,
    "window updates": frame(8, 0, 0, struct.pack(">I", 1)) * 20_000,
    "window too large": frame(8, 0, 0, struct.pack(">I", 2**31 - 1)) * 2,
    "empty data": frame(1, 4, 1, b"\x83\x86\x41\x04door\x44\x01/") + frame(0, 0, 1, b"") * 20_000,
    "continuations": frame(1, 0, 1, b"\x83")
    + frame(9, 0, 1, b"\x40\x01x\x40" + b"y" * 64) * 20_000,
    "empty continuations": frame(1, 0, 1, b"\x83") + frame(9, 0, 1, b"") * 20_000,
    "header table": frame(1, 4, 1, b"\x3f\xff\xff\xff\xff\x0f"),
    "unknown frames": frame(99, 0, 0, b"x" * 100) * 20_000,
    "resets of nothing": frame(3, 0, 7, struct.pack(">I", 8)) * 20_000,
    "even stream": frame(1, 5, 2, b"\x82\x86\x84"),
    "frame too large": frame(0, 0, 1, b"x" * 100_000),
}


@pytest.mark.parametrize("case", FLOODS)
def test_floods(door: Door, key: str, case: str) -> None:
    before = door.memory()
    with http2(door) as connection:
        try:
            connection.socket.sendall(FLOODS[case])
        except OSError:
            connection.closed = True
        works(door, key)
    assert door.memory() - before < 100_000, "KiB"
    works(door, key)


def test_more_streams_than_allowed(door: Door, key: str) -> None:
    """One connection opens a hundred and no more."""
    with http2(door) as connection:
        while connection.h2.remote_settings.max_concurrent_streams != 100:
            connection.hear()
        for _ in range(100):
            connection.ask(request(key, hang=True), BODY)
        until(lambda: door.engine("main").active == 100, "all are at work")
        works(door, key)
    until(door.engine("main").idle, "the engine is free")


def test_stream_that_is_never_read(door: Door, key: str) -> None:
    """With a window of nothing an answer stays at the gateway, and the engine is let go."""
    with door.changed({"timeout client": "1s"}), http2(door) as connection:
        connection.h2.update_settings({4: 0})
        connection.ask(request(key, size=20_000_000), BODY)
        until(lambda: door.engine("main").state()["count"], "it is asked")
        until(door.engine("main").idle, "the engine is free")
        works(door, key)


def test_it_serves(door: Door, key: str) -> None:
    with http2(door) as connection:
        stream = connection.ask(request(key, chunks=3), BODY)
        assert connection.answer(stream) == 200
        assert connection.body[stream].count(b"data: {") == 3
        assert connection.answer(connection.ask(request("wrong"), BODY)) == 401
