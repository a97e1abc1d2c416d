"""The server keeps connections while it runs, and nothing once it has stopped."""

from __future__ import annotations

import http.client
import threading
from pathlib import Path

import pytest

from tests.hub import Hub, Slow
from tests.unit.hub.client import ask


def test_one_connection_serves_many_requests(hub: Hub) -> None:
    hub.add("acme/tiny", {f"{n}.txt": bytes(n * 50_000) for n in range(4)})
    connection = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=5)
    connection.connect()
    first = connection.sock
    for number in range(4):
        for method in ("HEAD", "GET"):
            connection.request(method, f"/acme/tiny/resolve/main/{number}.txt")
            body = connection.getresponse().read()
            assert len(body) == (number * 50_000 if method == "GET" else 0)
    connection.request("POST", "/api/models/acme/tiny", body=b"x" * 100_000)
    assert connection.getresponse().read()
    assert connection.sock is first
    connection.close()


def test_stopping_ends_every_thread_and_connection(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with Hub(tmp_path) as hub:
        hub.add("acme/tiny", {"w.gguf": bytes(1_000_000)})
        hub.inject(Slow(rate=1000))
        idle = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=5)
        idle.connect()
        slow = http.client.HTTPConnection("127.0.0.1", hub.port, timeout=5)
        slow.request("GET", "/acme/tiny/resolve/main/w.gguf")
        reply = slow.getresponse()
    assert set(threading.enumerate()) == before
    with reply, pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        reply.read()
    idle.close()
    slow.close()


def test_a_file_that_vanished_ends_the_connection_and_the_hub_goes_on(hub: Hub) -> None:
    place = hub.folder / "acme" / "tiny" / "a.bin"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"1")
    url = f"{hub.url}/acme/tiny/resolve/main/a.bin"
    assert ask(url).body == b"1"
    place.unlink()
    with pytest.raises(http.client.RemoteDisconnected):
        ask(url)
    assert ask(f"{hub.url}/v2/").status == 200


def test_a_bug_in_the_hub_is_told_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Hub(tmp_path).__enter__()
    monkeypatch.setattr(hub, "repo", lambda *_, **__: 1 / 0)
    with pytest.raises(http.client.RemoteDisconnected):
        ask(f"{hub.url}/api/models/acme/tiny")
    with pytest.raises(ZeroDivisionError):
        hub.__exit__(None, None, None)
