"""`stackctl tls acme`: what is refused before an authority hears of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stackctl.commands.gateway import apply
from stackctl.model import Container, Port, Service, StackError, Unavailable
from stackctl.system import acme, haproxy, http
from stackctl.system.certificates.store import Store
from tests.unit.stackctl.commands.tls.conftest import Stackctl

NAME = "ai.example.org"


@pytest.fixture(autouse=True)
def no_authority(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: Any) -> Any:
        pytest.fail("an authority was asked for a certificate")

    monkeypatch.setattr(acme, "terms", lambda _directory: "https://ca.test/terms")
    monkeypatch.setattr(acme, "obtain", asked)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("*.example.org", "wildcard"),
        ("203.0.113.7", "an address, a name is wanted"),
        ("box.local", "no name of the internet"),
        ("box", "no name of the internet"),
        ("https://ai.example.org", "without https://"),
    ],
)
def test_names_that_no_authority_signs(stackctl: Stackctl, name: str, why: str) -> None:
    with pytest.raises(StackError, match=why) as caught:
        stackctl("acme", name, "--agree-tos")
    assert caught.value.exit_code == 2
    assert caught.value.fix


def test_terms_first(stackctl: Stackctl) -> None:
    with pytest.raises(StackError, match=r"https://ca\.test/terms") as caught:
        stackctl("acme", NAME)
    assert caught.value.exit_code == 2


def test_staging_and_another_server_are_one_too_many(stackctl: Stackctl) -> None:
    with pytest.raises(SystemExit) as caught:
        stackctl("acme", NAME, "--staging", "--directory", "https://ca.test")
    assert caught.value.code == 2


def test_without_a_gateway(stackctl: Stackctl) -> None:
    with pytest.raises(StackError, match="does not run") as caught:
        stackctl("acme", NAME, "--agree-tos")
    assert caught.value.fix == "stackctl up gateway"


#: changes of the gateway's ports
Gateway = Callable[..., None]
PORT = Port("0.0.0.0", 8081, 8081)


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch, store: Store) -> Gateway:
    """One that runs, and whose HAProxy takes every map."""
    monkeypatch.setattr(haproxy, "set_map", lambda *_: None)

    def given(*ports: Port, state: str = "running") -> None:
        service = replace(Service("gateway", "gateway", "haproxy", ""), ports=ports)
        pair = service, Container("1", "gateway", "p", state)
        monkeypatch.setattr(apply, "found", lambda *_: pair)

    return given


def answering(monkeypatch: pytest.MonkeyPatch, store: Store, hosts: tuple[str, ...]) -> None:
    """Those hosts answer as the gateway would."""

    def get(url: str, path: str) -> Any:
        if not url.removeprefix("http://").startswith(hosts):
            return Unavailable(f"{url} refuses the connection", "refused")
        rows = dict(row.split() for row in store.challenges.read_text().splitlines())
        return 200, rows[path.removeprefix(acme.PATH)]

    monkeypatch.setattr(http, "get", get)


@pytest.mark.parametrize(
    ("ports", "state", "why", "fix"),
    [
        ((PORT,), "exited", "does not run", "stackctl up gateway"),
        ((), "running", "does not publish its port 8081", "stackctl restart gateway"),
        (
            (Port("127.0.0.1", 8081, 8081),),
            "running",
            "bound to 127.0.0.1 only",
            "GATEWAY_ACME_BIND=0.0.0.0",
        ),
    ],
)
def test_a_port_that_no_authority_reaches(
    stackctl: Stackctl, gateway: Gateway, ports: tuple[Port, ...], state: str, why: str, fix: str
) -> None:
    gateway(*ports, state=state)
    with pytest.raises(StackError, match=why) as caught:
        stackctl("acme", NAME, "--agree-tos")
    assert fix in caught.value.fix


def test_a_gateway_that_does_not_answer(
    stackctl: Stackctl, gateway: Gateway, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway(PORT)
    answering(monkeypatch, store, ("nobody",))
    with pytest.raises(StackError, match=r"does not answer on http://127\.0\.0\.1:8081"):
        stackctl("acme", NAME, "--agree-tos")
    assert store.challenges.read_text() == ""


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (Unavailable("Name or service not known", "dns"), "Name or service not known"),
        (("192.168.1.5",), r"it leads to 192\.168\.1\.5"),
        (("100.64.9.9",), r"it leads to 100\.64\.9\.9"),
    ],
)
def test_a_name_that_the_internet_does_not_know(
    stackctl: Stackctl,
    gateway: Gateway,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    found: Any,
    why: str,
) -> None:
    gateway(PORT)
    answering(monkeypatch, store, ("127.0.0.1",))
    monkeypatch.setattr(acme, "resolve", lambda _name: found)
    with pytest.raises(StackError, match=why) as caught:
        stackctl("acme", NAME, "--agree-tos")
    assert "A record" in caught.value.fix


@pytest.mark.parametrize("back_in", [True, False])
def test_what_this_host_can_prove_is_told(
    stackctl: Stackctl,
    gateway: Gateway,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    back_in: bool,
) -> None:
    gateway(PORT)
    answering(monkeypatch, store, ("127.0.0.1", NAME) if back_in else ("127.0.0.1",))
    monkeypatch.setattr(acme, "resolve", lambda _name: ("8.8.8.8",))
    assert stackctl("acme", NAME, "--dry-run") == 0
    text = capsys.readouterr().out
    assert f"{NAME}: 8.8.8.8" in text
    assert ("leads to this gateway" in text) is back_in
    assert ("not proven from here" in text) is not back_in
    assert not store.server.exists()


def test_without_the_library_it_is_named(
    stackctl: Stackctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import sys

    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "acme", None)
    with pytest.raises(StackError, match="library is not installed") as caught:
        acme.terms(acme.LETS_ENCRYPT)
    assert "stackctl[acme]" in caught.value.fix
