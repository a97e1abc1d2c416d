"""`stackctl tls init`, `use` and `renew` before a real HAProxy and real clients."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from stackctl.commands.tls import installing
from stackctl.model import StackError
from stackctl.model.certificate import Order, Origin
from stackctl.system.certificates import read
from tests.integration.gateway.door import Door, until
from tests.integration.gateway.tls.conftest import Tls, shown, store
from tests.integration.stack.box import docker
from tests.unit.stackctl.system.certificates.odd import made

pytestmark = pytest.mark.docker


def curl(door: Door, ca: Path, host: str = "localhost", *words: str) -> int:
    """The exit code of a client that trusts `ca` alone; 60 is a certificate refused."""
    url = f"https://{host}:{door.tls_port}/healthz"
    argv = ["curl", "--silent", "--show-error", "--fail", "--max-time", "20", *words]
    done = subprocess.run(
        [*argv, "--cacert", str(ca), url], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode or done.stdout == "ok"
    return done.returncode


def test_clients_that_trust_the_ca_come_in(
    door: Door, tls: Tls, capsys: pytest.CaptureFixture[str]
) -> None:
    old = door.root / "old.pem"
    old.write_bytes(door.certificate.read_bytes())
    assert tls("init", "--force") == 0
    assert f"the gateway serves it: https://127.0.0.1:{door.tls_port}" in capsys.readouterr().out
    ca = store(door).ca
    for host in ("localhost", "127.0.0.1"):
        assert curl(door, ca, host) == 0
    assert curl(door, ca, "other.lan", "--resolve", f"other.lan:{door.tls_port}:127.0.0.1") == 60
    assert curl(door, old) == 60
    told = shown(tls, capsys)
    assert told["served"] is True
    assert told["url"] == f"https://127.0.0.1:{door.tls_port}"
    with pytest.raises(ssl.SSLCertVerificationError):
        _read_over(door, ssl.create_default_context())
    strict = ssl.create_default_context(cafile=str(ca))
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    assert _read_over(door, strict).startswith("HTTP/1.1 200")


def _read_over(door: Door, context: ssl.SSLContext) -> str:
    import socket

    with (
        socket.create_connection(("127.0.0.1", door.tls_port), 20) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        secure.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return secure.recv(4096).decode()


def test_a_renewal_breaks_no_stream(
    door: Door, key: str, tls: Tls, capsys: pytest.CaptureFixture[str]
) -> None:
    tls("init", "--force")
    ca, before = store(door).ca, shown(tls, capsys)["certificate"]
    body = '{"model": "gpt-oss-120b", "stream": true, "messages": []}'
    argv = ["curl", "--silent", "--no-buffer", "--max-time", "60", "--cacert", str(ca)]
    argv += ["-H", f"Authorization: Bearer {key}", "-H", "Content-Type: application/json"]
    argv += ["-H", 'X-Fake: {"chunks": 3, "step": true}', "--data", body]
    url = f"https://localhost:{door.tls_port}/v1/chat/completions"
    main = door.engine("main")
    with subprocess.Popen([*argv, url], stdout=subprocess.PIPE, text=True) as stream:
        assert stream.stdout
        assert '"0 "' in stream.stdout.readline()
        assert tls("renew", "--force") == 0
        for _ in range(2):
            main.next()
        text = stream.stdout.read()
    assert stream.returncode == 0
    assert "[DONE]" in text
    after = shown(tls, capsys)
    assert after["certificate"] != before
    assert after["served"] is True
    assert curl(door, ca) == 0


def test_a_chain_of_ones_own_is_sent_whole(
    door: Door, tls: Tls, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = rsa.generate_private_key(65537, 2048)
    root = made("Test Root", ca=True)
    between = made("Test Intermediate", root, ca=True)
    leaf = made("localhost", between, names=["localhost"], key=key)
    for name, data in {
        "chain.pem": between.pem + leaf.pem,  # the wrong way round
        "key.pem": leaf.key_bytes(),
        "root.pem": root.pem,
    }.items():
        (tmp_path / name).write_bytes(data)
    assert tls("use", tmp_path / "chain.pem", tmp_path / "key.pem") == 0
    text = capsys.readouterr().out
    assert "put in order" in text
    assert "clients must trust CN=Test Root" in text
    assert curl(door, tmp_path / "root.pem") == 0
    told = shown(tls, capsys)
    assert (told["served"], told["ca"]) == (True, None)


def test_what_haproxy_does_not_take_changes_nothing(
    door: Door, tls: Tls, capsys: pytest.CaptureFixture[str]
) -> None:
    tls("init", "--force")
    before = shown(tls, capsys)
    keyless = made("localhost", names=["localhost"])
    with pytest.raises(StackError, match="HAProxy refuses") as caught:
        installing.install(
            door.root,
            store(door),
            keyless.pem,
            read.describe(keyless.certificate),
            Order(Origin.OWN),
        )
    assert caught.value.fix
    assert shown(tls, capsys) == before
    assert curl(door, store(door).ca) == 0
    docker("restart", "--time", "1", door.container)  # and it starts with it as well
    until(lambda: curl(door, store(door).ca) == 0, "it is back")


def test_the_files_are_for_those_who_need_them(door: Door, tls: Tls) -> None:
    tls("init", "--force")
    inside = "cat /etc/haproxy/tls/server.pem >/dev/null && ls /etc/haproxy/tls /run/haproxy"
    done = subprocess.run(
        ["docker", "exec", door.container, "sh", "-c", inside],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "ca.key" not in done.stdout
    assert store(door).ca_key.stat().st_mode & 0o077 == 0
    assert store(door).server.stat().st_mode & 0o077 == 0
