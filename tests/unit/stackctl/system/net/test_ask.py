"""Who listens on a port: each kind of answer and of silence, by real sockets on loopback."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stackctl.model import StackError
from stackctl.model.network import Meaning
from stackctl.system.certificates import make
from stackctl.system.net import pin
from stackctl.system.net.ask import ask

BODY = b'{"error":{"message":"a","type":"b","param":null,"code":"c"}}'
ANSWER = b"HTTP/1.1 401 No\r\nServer: x\x1b[31m\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
HOME = "127.0.0.1"


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    with socket.create_server((HOME, 0)) as server:
        server.settimeout(0.05)
        ended = threading.Event()

        def loop() -> None:
            while not ended.is_set():
                try:
                    connected, _ = server.accept()
                except TimeoutError:
                    continue
                connected.settimeout(5)
                with connected:
                    try:
                        serve(connected)
                    except OSError:
                        continue

        thread = threading.Thread(target=loop)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
            thread.join()


def says(answer: bytes) -> Callable[[socket.socket], None]:
    def serve(connected: socket.socket) -> None:
        connected.recv(65536)
        connected.sendall(answer)

    return serve


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An authority, and a server's certificate with its key."""
    folder = tmp_path_factory.mktemp("tls")
    now = datetime.datetime.now(datetime.UTC)
    authority = make.authority("test", [], now)
    server = make.server(authority, [HOME], 30, now)
    (folder / "ca.pem").write_bytes(authority.pem)
    (folder / "server.pem").write_bytes(server.pem + server.key_pem)
    return folder / "ca.pem", folder / "server.pem"


def secure(tls: tuple[Path, Path]) -> Callable[[socket.socket], None]:
    how = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    how.load_cert_chain(tls[1])

    def serve(connected: socket.socket) -> None:
        with how.wrap_socket(connected, server_side=True) as wrapped:
            says(ANSWER)(wrapped)

    return serve


def test_tls_is_verified_with_our_authority(tls: tuple[Path, Path]) -> None:
    with listening(secure(tls)) as port:
        reply = ask(HOME, port, tls=True, ca=tls[0])
        assert (reply.meaning, reply.distrust, reply.local) == (Meaning.DOOR, "", HOME)
        assert "\x1b" not in reply.server
        stranger = ask(HOME, port, tls=True)
        assert stranger.meaning is Meaning.DOOR
        assert "certificate" in stranger.distrust
        named = ask(HOME, port, tls=True, ca=tls[0], name="box.example.org")
        assert "box.example.org" in named.distrust
        assert ask(HOME, port, tls=True, careful=False).distrust == ""
        assert len(pin.of(HOME, port)) == 44


def test_what_speaks_no_tls(tls: tuple[Path, Path]) -> None:
    with listening(says(ANSWER)) as port:
        assert ask(HOME, port, tls=False).meaning is Meaning.DOOR
        assert ask(HOME, port, tls=True).meaning is Meaning.PLAIN
        assert pin.of(HOME, port) == ""


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (b"", Meaning.RESET),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Meaning.OTHER),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<html>", Meaning.OTHER),
        (b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", Meaning.OTHER),
    ],
)
def test_others(answer: bytes, meaning: Meaning) -> None:
    with listening(says(answer)) as port:
        assert ask(HOME, port, tls=False).meaning is meaning


def test_silence() -> None:
    done = threading.Event()

    def wait(_: socket.socket) -> None:
        done.wait(5)

    with listening(wait) as port:
        assert ask(HOME, port, tls=False, timeout=0.2).meaning is Meaning.TIMEOUT
        assert ask(HOME, port, tls=True, timeout=0.2).meaning is Meaning.TIMEOUT
        done.set()
    assert ask(HOME, port, tls=True).meaning is Meaning.REFUSED
    assert ask("nowhere.invalid", 1, tls=True).meaning is Meaning.NAME


def test_a_broken_authority_is_told(tmp_path: Path) -> None:
    bad = tmp_path / "ca.pem"
    bad.write_text("no certificate")
    with listening(says(ANSWER)) as port, pytest.raises(StackError, match="cannot be read"):
        ask(HOME, port, tls=True, ca=bad)
