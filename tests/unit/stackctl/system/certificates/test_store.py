"""Files of the certificate: rights, wholeness, and what is remembered of how it was made."""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from stackctl.model import StackError, Unavailable
from stackctl.model.certificate import Order, Origin
from stackctl.system.certificates import authority, make, read, served
from stackctl.system.certificates.store import Store
from tests.unit.stackctl.system.certificates.odd import LEAF, NOW, OTHER

NAMES = ("box", "127.0.0.1")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".stackctl", os.geteuid() or 99, os.getegid() or 99)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_rights(store: Store) -> None:
    authority.save(store, make.authority("box", NAMES, NOW))
    store.save_server(b"key")
    store.save_challenges("a b\n")
    authority.account_key(store)
    assert mode(store.ca_key) == mode(store.account_key) == 0o600
    assert mode(store.ca) == 0o644
    assert mode(store.ca.parent) == mode(store.server.parent) == 0o700
    assert mode(store.server) & 0o077 == 0
    # what the container reads is its user's, all else is not
    assert store.server.stat().st_uid == store.server.parent.stat().st_uid == store.user
    assert store.ca_key.stat().st_uid == store.state.stat().st_uid


def test_nothing_is_readable_for_a_moment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    replaced = Path.replace

    def look(self: Path, target: Path) -> Path:
        seen.append(mode(self))
        return replaced(self, target)

    before = os.umask(0)
    try:
        monkeypatch.setattr(Path, "replace", look)
        store.save_server(b"key")
    finally:
        os.umask(before)
    assert seen
    assert all(each & 0o077 == 0 for each in seen)


def test_a_write_that_fails_leaves_the_old_one(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save_server(b"old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StackError, match="the disk is full"):
        store.save_server(b"new")
    assert store.server_pem() == b"old"
    assert [path.name for path in store.server.parent.iterdir()] == ["server.pem"]


def test_the_ca_comes_back(store: Store) -> None:
    assert authority.load(store) is None
    assert authority.certificate(store) is None
    ca = make.authority("box", NAMES, NOW)
    authority.save(store, ca)
    found = authority.load(store)
    assert found is not None
    assert found.pem == ca.pem
    assert found.key_pem == ca.key_pem
    assert authority.certificate(store) == ca.certificate


def test_a_ca_that_was_cut_off_is_none_yet(store: Store) -> None:
    authority.save(store, make.authority("box", NAMES, NOW))
    store.ca.unlink()
    assert authority.load(store) is None


@pytest.mark.parametrize("broken", ["key gone", "key damaged", "another key", "damaged"])
def test_a_ca_that_is_not_whole(store: Store, broken: str) -> None:
    ca = make.authority("box", NAMES, NOW)
    authority.save(store, ca)
    match broken:
        case "key gone":
            store.ca_key.unlink()
        case "key damaged":
            store.ca_key.write_bytes(ca.key_pem[:100])
        case "another key":
            store.ca_key.write_bytes(make.key_pem(make.new_key()))
        case _:
            store.ca.write_bytes(b"what")
    with pytest.raises(StackError) as caught:
        authority.load(store)
    assert "tls init --force" in caught.value.fix


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_another_user_is_told_so(store: Store, tmp_path: Path) -> None:
    store.save_server(b"key")
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    os.seteuid(4321)
    try:
        with pytest.raises(StackError, match="no permission") as read:
            store.current()
        with pytest.raises(StackError, match="no permission") as written:
            store.save_server(b"other")
    finally:
        os.seteuid(0)
    for caught in (read, written):
        assert "sudo stackctl" in caught.value.fix
    assert store.server_pem() == b"key"


ORDER = Order(Origin.ACME, ("ai.example.org",), directory="https://acme.test/dir", email="me@x")


def test_how_it_was_made_is_remembered(store: Store) -> None:
    assert store.current() is None
    pem = LEAF.pem + LEAF.key_bytes()
    store.save_server(pem)
    told = read.describe(LEAF.certificate)
    store.save(pem, told, ORDER)
    assert store.current() == (told, ORDER)
    assert b"PRIVATE" not in store.order.read_bytes()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"pem": 1}', "nonsense"])
def test_what_was_put_there_by_hand_is_the_owners(store: Store, text: str) -> None:
    pem = LEAF.pem + LEAF.key_bytes()
    store.save_server(pem)
    store.save(pem, read.describe(LEAF.certificate), ORDER)
    if text:
        store.order.write_text(text)
    store.save_server(OTHER.pem + OTHER.key_bytes())
    assert store.current() == (read.describe(OTHER.certificate), Order(Origin.OWN))


def test_a_note_of_a_later_version_is_not_believed(store: Store) -> None:
    pem = LEAF.pem + LEAF.key_bytes()
    store.save_server(pem)
    store.save(pem, read.describe(LEAF.certificate), ORDER)
    raw = json.loads(store.order.read_text())
    raw["order"]["new"] = 1
    store.order.write_text(json.dumps(raw))
    found = store.current()
    assert found is not None
    assert found[1] == Order(Origin.OWN)


def test_a_look_brings_no_library_for_x509(store: Store) -> None:
    """It is done every minute."""
    import subprocess

    pem = LEAF.pem + LEAF.key_bytes()
    store.save_server(pem)
    store.save(pem, read.describe(LEAF.certificate), replace(ORDER, left_out=("203.0.113.7",)))
    code = (
        "import sys\nfrom pathlib import Path\nimport stackctl.commands.rounds\n"
        "from stackctl.system.certificates.store import Store\n"
        f"found = Store(Path({str(store.state)!r}), 0, 0).current()\n"
        "assert found[1].left_out == ('203.0.113.7',), found\n"
        "assert 'cryptography' not in sys.modules and 'acme' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_port_that_shows_no_certificate() -> None:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        found = served.fingerprint("127.0.0.1", port)
        assert isinstance(found, Unavailable)
        assert found.code == "refused"
