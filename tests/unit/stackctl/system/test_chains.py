"""Chains on the disk: kept, or as if they had never been."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.system.chains import Chains
from stackctl.system.sha256 import RANGE

HEX = "ab" * 32
STATES = tuple(bytes([i]) * 32 for i in range(3))
SIZE = 3 * RANGE + 5


@pytest.fixture
def chains(tmp_path: Path) -> Chains:
    return Chains(tmp_path / "state" / "chains")


def test_kept(chains: Chains) -> None:
    assert chains.load(HEX, SIZE) == ()
    chains.save(HEX, STATES)
    assert chains.load(HEX, SIZE) == chains.load(HEX, 3 * RANGE) == STATES
    assert [path.name for path in chains.folder.iterdir()] == [HEX]
    chains.save(HEX, STATES[::-1])
    assert chains.load(HEX, SIZE) == STATES[::-1]


@pytest.mark.parametrize("size", [0, 5, RANGE, 2 * RANGE, 4 * RANGE])
def test_of_another_length(chains: Chains, size: int) -> None:
    chains.save(HEX, STATES)
    assert chains.load(HEX, size) == ()


def test_small_files_have_none(chains: Chains) -> None:
    chains.save(HEX, ())
    assert not chains.folder.exists()


@pytest.mark.parametrize("name", ["", "../x", "AB" * 32, "ab" * 20, "/etc/passwd"])
def test_names_that_are_no_hash(chains: Chains, name: str) -> None:
    chains.save(name, STATES)
    assert not chains.folder.exists()
    assert chains.load(name, SIZE) == ()


@given(
    st.binary(min_size=65, max_size=65) | st.text("0123456789abcdef\n", min_size=65, max_size=65)
)
def test_garbage_is_no_chain(tmp_path_factory: pytest.TempPathFactory, data: bytes | str) -> None:
    chains = Chains(tmp_path_factory.getbasetemp())
    raw = data if isinstance(data, bytes) else data.encode()
    (chains.folder / HEX).write_bytes(raw)
    states = chains.load(HEX, RANGE)
    assert states == () or (len(states) == 1 and states[0].hex() + "\n" == raw.decode())


def test_a_folder_is_no_chain(chains: Chains) -> None:
    (chains.folder / HEX).mkdir(parents=True)
    assert chains.load(HEX, SIZE) == ()
    chains.save(HEX, STATES)
    assert [path.name for path in chains.folder.iterdir()] == [HEX]


def test_what_cannot_be_written_is_left_out(
    chains: Chains, monkeypatch: pytest.MonkeyPatch
) -> None:
    chains.save(HEX, STATES)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "replace", full)
    chains.save(HEX, STATES[::-1])
    assert [path.name for path in chains.folder.iterdir()] == [HEX]
    assert chains.load(HEX, SIZE) == STATES
    Chains(chains.folder / HEX).save(HEX, STATES)  # a file where the folder should be
