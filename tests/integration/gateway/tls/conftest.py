"""The gateway of this folder's neighbours; its certificate is put back after each test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stackctl import cli, settings
from stackctl.system.certificates.store import Store
from tests.integration.gateway.door import Door
from tests.integration.gateway.tls.pebble import Pebble, pebble_server

#: command line of `stackctl tls` -> exit code; raises StackError
Tls = Callable[..., int]


@pytest.fixture
def tls(door: Door, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tls]:
    before = door.certificate.read_bytes()
    (door.root / "compose" / "compose.yaml").touch()
    monkeypatch.setenv("STACKCTL_HOME", str(door.root))
    try:
        yield lambda *words: cli.run(["tls", *map(str, words)])
    finally:
        found = store(door)
        for path in (found.ca, found.ca_key, found.order, found.account_key):
            path.unlink(missing_ok=True)
        found.save_server(before)
        door.refresh()
        door.wait()


def store(door: Door) -> Store:
    return Store(door.root / ".stackctl", *settings.gateway_user(door.root))


def shown(tls: Tls, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """What `show` tells programs."""
    capsys.readouterr()
    tls("show", "--json")
    told: dict[str, object] = json.loads(capsys.readouterr().out)
    return told


@pytest.fixture(scope="session")
def pebble(gateway: Door, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    with pebble_server(gateway, tmp_path_factory.mktemp("pebble")) as server:
        yield server


@pytest.fixture
def trusted(pebble: Pebble, monkeypatch: pytest.MonkeyPatch) -> Pebble:
    """The same, whose own HTTPS we trust."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pebble.ca))
    return pebble


@pytest.fixture
def root_of_pebble(trusted: Pebble, tmp_path: Path) -> Path:
    """What a client trusts who trusts that authority."""
    path = tmp_path / "pebble-root.pem"
    path.write_text(trusted.root(), encoding="utf-8")
    return path
