"""Who is slow, silent or gone holds neither the gateway nor an engine."""

from __future__ import annotations

import json
import resource
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from tests.integration.gateway.client import CHAT, Wire, head, raw_chat, refused, wire, works
from tests.integration.gateway.door import PATIENCE, Door, until
from tests.integration.stack.box import docker

IDLE = 1000
#: bytes, more than all buffers on the way
SIZE = 50_000_000


@contextmanager
def many(door: Door, count: int, *, tls: bool = False) -> Iterator[list[Wire]]:
    """So many connections at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, count + 500)), hard))
    with ExitStack() as stack:
        yield [stack.enter_context(wire(door, tls=tls)) for _ in range(count)]


@pytest.mark.parametrize(
    ("said", "tls"),
    [
        ("", False),
        ("GET /v1/models HTTP/1.1\r\nHost: a\r\nAuthor", False),
        (head("POST", CHAT, Content_Length=100), False),
        ("", True),
    ],
    ids=["silent", "half a head", "no body", "silent behind TLS"],
)
def test_a_thousand_idle_connections(door: Door, key: str, said: str, tls: bool) -> None:
    before = door.memory()
    with many(door, IDLE, tls=tls) as connections:
        for connection in connections:
            connection.send(said)
        works(door, key)
        print(f"{IDLE} {said[:4]!r} tls={tls}: {door.memory() - before} KiB more")
        assert door.memory() - before < 150_000, "KiB"


def test_one_address_does_not_take_all_connections(door: Door) -> None:
    """Who comes from elsewhere still comes in."""
    ask = "import urllib.request as u; print(u.urlopen('http://gateway:8080/healthz').read())"
    with door.changed({"sc2_conn_cur gt": "50"}), many(door, 60) as connections:
        answered = 0
        for connection in connections:
            with suppress(AssertionError, OSError):
                connection.send(head("GET", "/healthz"))
                answered += connection.answer().status_code == 200
        assert answered == 50
        assert docker("exec", door.engine("main").container, "python3", "-c", ask) == "b'ok'"


def test_slow_head(door: Door, key: str) -> None:
    with door.changed({"timeout http-request": "1s"}), wire(door) as slow, wire(door) as silent:
        slow.send("GET /v1/models HTTP/1.1\r\nHost: a\r\nA: ")
        assert refused(slow) == 408
        assert refused(silent) in (0, 408)
        works(door, key)


def test_tls_that_is_never_finished(door: Door, key: str) -> None:
    with (
        door.changed({"timeout http-request": "1s", "timeout client": "1s"}),
        socket.create_connection(("127.0.0.1", door.tls_port), timeout=PATIENCE) as half,
    ):
        half.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
        assert half.recv(100) == b""
    works(door, key)


def test_tls_of_old(door: Door, key: str) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", door.tls_port), timeout=PATIENCE) as plain,
        pytest.raises((ssl.SSLError, ConnectionResetError)),
    ):
        old.wrap_socket(plain)
    works(door, key)


def test_body_by_drops(door: Door, key: str) -> None:
    """Each byte in time, all of them never: a body has an end of patience as a whole."""
    with door.changed({"wait-for-body time": "2s"}), wire(door) as slow:
        slow.send(head("POST", CHAT, key, Content_Length=100_000))
        slow.socket.settimeout(0.1)

        def answered() -> bytes:
            slow.send(" ")
            try:
                return slow.socket.recv(1 << 16)
            except TimeoutError:
                return b""

        assert until(answered, "it is refused").startswith(b"HTTP/1.1 408")
    assert not door.engine("main").received


def test_answer_that_is_not_read(door: Door, key: str) -> None:
    """What is made for nobody is not made."""
    name = "slow"
    slow_key = door.add_key(name)
    with door.changed({"timeout client": "1s"}), wire(door) as slow:
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.send(raw_chat(slow_key, size=SIZE))
        until(lambda: door.engine("main").state()["count"], "it is asked")
        until(door.engine("main").idle, "the engine is free")
        works(door, key)
        (row,) = until(lambda: door.access(name), "it is in the log")
    assert row["ended"] in ("cD", "CD"), "because of the client, amid data"
    assert row["bytes_out"] < SIZE


def test_engine_that_reads_slowly_holds_no_body(door: Door, key: str) -> None:
    """What it does not take is not taken from the client either."""
    before = door.memory()
    with wire(door) as fast:
        path = f"/m/gpt-oss-120b{CHAT}"
        fast.send(head("POST", path, key, Content_Length=200_000_000, X_Fake='{"slow": 3}'))
        fast.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            fast.send(b"x" * 200_000_000)
        assert door.memory() - before < 50_000, "KiB"


@pytest.mark.parametrize("how", [{"hang": True}, {"chunks": 10_000, "pace": 0.05}])
def test_who_vanishes_without_a_word_frees_the_engine(
    door: Door, key: str, how: dict[str, object]
) -> None:
    """A laptop that is closed, a router that forgot the connection: no packet ever comes."""
    request, network = raw_chat(key, **how), f"{door.project}_default"  # type: ignore[arg-type]
    name = f"{door.project}-client"
    program = (
        "import socket, sys, time; s = socket.create_connection(('gateway', 8080)); "
        "s.sendall(sys.argv[1].encode()); time.sleep(600)"
    )
    with door.changed({"clitcpka-idle": "1s", "clitcpka-intvl": "1s", "tcp-ut": "3s"}):
        try:
            docker(
                *("run", "--detach", "--init", "--name", name, "--network", network),
                *("--label", f"com.docker.compose.project={door.project}"),
                *("--entrypoint", "python3", "stackctl/sim-comfyui:1", "-c", program, request),
            )
            until(lambda: door.engine("main").active, "at work")
            docker("network", "disconnect", network, name)
            until(door.engine("main").idle, "the engine is free")
        finally:
            docker("rm", "--force", name)
    assert door.engine("main").state()["gone"] == 1


def test_heads_of_megabytes(door: Door, key: str) -> None:
    """Strangers fill heads as far as they may, and leave them so: memory stays bounded."""
    before = door.memory()
    with many(door, 64) as connections:
        for connection in connections:
            connection.socket.settimeout(2)
            try:
                connection.send("GET / HTTP/1.1\r\nA: " + "x" * 4_000_000)
            except OSError:
                continue
        works(door, key)
        filled = door.memory() - before
    works(door, key)
    print(json.dumps({"64 heads of 4 MB, KiB": filled, "afterwards": door.memory() - before}))
    assert filled < 64 * 5000
