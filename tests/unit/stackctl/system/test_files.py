"""Files that others have to read, or nobody else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from stackctl.model import StackError
from stackctl.system import files


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def rights(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_rights_are_what_was_asked_for(tmp_path: Path, umask: int, mode: int) -> None:
    files.write(tmp_path / "a", "text", mode=mode)
    assert rights(tmp_path / "a") == mode


def test_a_secret_is_its_owners_alone(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "new" / "keys.json"
    files.write_secret(path, "one")
    assert rights(path) == 0o600
    files.write_secret(path, "two")
    assert (rights(path), path.read_text()) == (0o600, "two")
    assert [each.name for each in path.parent.iterdir()] == ["keys.json"]


def test_a_secret_that_has_no_place(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StackError, match="a file where a folder"):
        files.write_secret(tmp_path / "file" / "keys.json", "one")
