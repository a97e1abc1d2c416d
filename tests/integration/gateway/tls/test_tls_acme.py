"""`stackctl tls acme` and a real ACME server, which proves names by way of a real gateway."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stackctl.commands.tls import renew
from stackctl.model import StackError
from stackctl.model.certificate import Origin
from stackctl.system import acme, haproxy
from stackctl.system.certificates import make
from tests.integration.gateway.door import Door
from tests.integration.gateway.tls.conftest import Tls, shown, store
from tests.integration.gateway.tls.pebble import ASTRAY, BLOCKED, NAME, Pebble

pytestmark = pytest.mark.docker


def order(tls: Tls, server: Pebble, *words: str, name: str = NAME) -> int:
    return tls("acme", name, "--directory", server.directory, "--agree-tos", *words)


def proofs(door: Door) -> str:
    """What the gateway would answer right now."""
    return haproxy.command(door.place.run, "show map /etc/haproxy/tls/acme.map").strip()


def test_from_nothing_to_a_trusted_certificate_and_the_next(
    door: Door,
    tls: Tls,
    trusted: Pebble,
    root_of_pebble: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert order(tls, trusted, "--email", "owner@example.org") == 0
    text = capsys.readouterr().out
    assert "here         the gateway answers on port" in text
    assert "port 80      not proven from here" in text
    assert "the gateway serves it" in text
    assert proofs(door) == ""
    assert store(door).challenges.read_bytes() == b""
    resolved = f"{NAME}:{door.tls_port}:127.0.0.1"
    argv = ["curl", "--silent", "--show-error", "--fail", "--max-time", "20"]
    argv += ["--cacert", str(root_of_pebble), "--resolve", resolved]
    subprocess.run([*argv, f"https://{NAME}:{door.tls_port}/healthz"], check=True, timeout=30)
    first = shown(tls, capsys)
    assert first["served"] is True
    found = store(door).current()
    assert found is not None
    assert found[0].names == (NAME,)
    assert (found[1].origin, found[1].directory) == (Origin.ACME, trusted.directory)
    # the same account, and a proof that the server remembers
    assert tls("renew", "--force") == 0
    second = shown(tls, capsys)
    assert second["certificate"] != first["certificate"]
    assert second["served"] is True


def test_dry_run_asks_for_nothing(
    door: Door, tls: Tls, trusted: Pebble, capsys: pytest.CaptureFixture[str]
) -> None:
    before = door.certificate.read_bytes()
    assert tls("acme", NAME, "--directory", trusted.directory, "--dry-run") == 0
    assert "would ask" in capsys.readouterr().out
    assert door.certificate.read_bytes() == before
    assert not store(door).account_key.exists()
    assert proofs(door) == ""


def test_terms_are_not_agreed_to_in_passing(tls: Tls, trusted: Pebble) -> None:
    with pytest.raises(StackError, match="agree to data:text") as caught:
        tls("acme", NAME, "--directory", trusted.directory)
    assert caught.value.exit_code == 2
    assert "--agree-tos" in caught.value.fix


@pytest.mark.parametrize(
    ("name", "why", "fix"),
    [
        (ASTRAY, r"\[connection\]", "port 80 of the router"),
        (BLOCKED, r"\[rejectedIdentifier\]", "stackctl tls init"),
        ("unknown.example.test", r"\[(dns|connection|unauthorized)\]", ""),
    ],
)
def test_what_the_authority_refuses_is_explained(
    door: Door, tls: Tls, trusted: Pebble, name: str, why: str, fix: str
) -> None:
    before = door.certificate.read_bytes()
    with pytest.raises(StackError, match=why) as caught:
        order(tls, trusted, name=name)
    assert fix in caught.value.fix
    assert caught.value.fix
    assert door.certificate.read_bytes() == before
    assert proofs(door) == ""


@pytest.mark.parametrize("text", ["", "something else"])
def test_another_answer_on_port_80(door: Door, trusted: Pebble, text: str) -> None:
    @contextmanager
    def answering(token: str, _right: str) -> Iterator[None]:
        rows = f"{token} {text}\n" if text else ""
        haproxy.set_map(door.place.run, "/etc/haproxy/tls/acme.map", rows)
        yield
        haproxy.set_map(door.place.run, "/etc/haproxy/tls/acme.map", "")

    wish = acme.Wish(NAME, trusted.directory, make.key_pem(make.new_key()))
    with pytest.raises(StackError, match=r"\[(unauthorized|incorrectResponse)\]") as caught:
        acme.obtain(wish, answering)
    assert "another machine or program answers on port 80" in caught.value.fix


def test_a_server_that_is_not_trusted_or_not_one_at_all(
    door: Door, pebble: Pebble, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    with pytest.raises(StackError, match="does not trust") as caught:
        acme.terms(pebble.directory)
    assert "REQUESTS_CA_BUNDLE" in caught.value.fix
    for path in ("/healthz", "/v1/models"):
        with pytest.raises(StackError) as caught:
            acme.terms(door.url + path)
        assert "curl" in caught.value.fix or "see what" in caught.value.fix


def test_the_timer_keeps_why_it_failed(
    door: Door, tls: Tls, trusted: Pebble, monkeypatch: pytest.MonkeyPatch
) -> None:
    order(tls, trusted)
    monkeypatch.setattr(renew, "due", lambda *_: "a test says so")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/dev/null")
    renew.renew_if_due()
    found = store(door).current()
    assert found is not None
    assert found[1].failure
    assert found[1].failed_at > 0


def test_the_port_for_proofs_answers_nothing_else(door: Door, key: str) -> None:
    import requests

    for path in ("/", "/v1/models", "/healthz", "/comfyui/", acme.PATH, acme.PATH + "x"):
        url = f"http://127.0.0.1:{door.acme_port}{path}"
        headers = {"Authorization": f"Bearer {key}"}
        assert requests.get(url, headers=headers, timeout=20).status_code == 404
