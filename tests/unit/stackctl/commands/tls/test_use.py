"""`stackctl tls use`: files that an owner has, as they are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackctl.model import StackError
from stackctl.model.certificate import Origin
from stackctl.system.certificates.store import Store
from tests.unit.stackctl.commands.tls.conftest import Stackctl
from tests.unit.stackctl.system.certificates.odd import BETWEEN, LEAF, OTHER


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    path = tmp_path / "fullchain.pem"
    path.write_bytes(LEAF.pem + BETWEEN.pem)
    return path


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "privkey.pem"
    path.write_bytes(LEAF.key_bytes())
    return path


def test_it_is_installed(
    stackctl: Stackctl, store: Store, chain: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stackctl("use", chain, key, "--dry-run") == 0
    assert not store.state.exists()
    assert stackctl("use", chain, key) == 0
    assert store.server_pem() == LEAF.pem + BETWEEN.pem + LEAF.key_bytes()
    found = store.current()
    assert found is not None
    assert found[1].origin is Origin.OWN
    text = capsys.readouterr().out
    assert "ai.example.org, 192.168.1.5" in text
    assert "clients must trust CN=Some Root" in text
    assert "PRIVATE" not in text


def test_a_wrong_key_changes_nothing(
    stackctl: Stackctl, store: Store, chain: Path, key: Path, tmp_path: Path
) -> None:
    stackctl("use", chain, key)
    before = store.server_pem()
    wrong = tmp_path / "wrong.pem"
    wrong.write_bytes(OTHER.key_bytes())
    with pytest.raises(StackError, match="the key does not fit"):
        stackctl("use", chain, wrong)
    assert store.server_pem() == before
    assert (store.current() or (None, None))[0] is not None


def test_the_two_swapped(stackctl: Stackctl, chain: Path, key: Path) -> None:
    with pytest.raises(StackError, match=r"privkey\.pem: no certificate in it") as caught:
        stackctl("use", key, chain)
    assert caught.value.exit_code == 2
