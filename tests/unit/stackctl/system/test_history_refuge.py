"""The history of a disk that takes nothing: whole in memory, and home again."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from stackctl.model import StackError
from stackctl.system import durable, history
from stackctl.system.history import NAME, History, refuge, schema

START = 1_790_000_000.0


class Disk:
    """Takes nothing while it is full."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.full, self.error = folder, False, errno.ENOSPC

    def connect(self, path: Path) -> sqlite3.Connection:
        if self.full and path.parent == self.folder:
            raise durable.fault(OSError(self.error, ""), path)
        return CONNECT(path)


CONNECT = schema.connect


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    (tmp_path / "home").mkdir()
    (tmp_path / "shm").mkdir()
    made = Disk(tmp_path / "home")
    monkeypatch.setattr(refuge, "SHM", tmp_path / "shm")
    monkeypatch.setattr(schema, "connect", made.connect)
    monkeypatch.setattr(history, "connect", made.connect)
    return made


def add(disk: Disk, at: float) -> tuple[str, str]:
    """What the book says of where it is, and the word."""

    def work(book: History) -> str:
        book.add_run(at, (), ())
        return book.away

    return history.keep(disk.folder, work)


def times(disk: Disk) -> tuple[float, ...]:
    return history.look(disk.folder, lambda book: book.run_times(99))


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EIO, errno.EDQUOT])
def test_it_goes_on_in_memory_and_comes_home(disk: Disk, error: int) -> None:
    assert add(disk, START) == ("", "")
    disk.full, disk.error = True, error
    away, word = add(disk, START + 60)
    assert away == word
    assert "kept in memory until there is room" in word
    assert str(disk.folder / NAME) in word  # the first time with the reason
    assert add(disk, START + 120)[0].startswith("what is remembered is kept in memory")
    assert times(disk) == (START, START + 60, START + 120)
    disk.full = False
    assert add(disk, START + 180) == ("", "")
    assert times(disk) == (START, START + 60, START + 120, START + 180)
    assert refuge.inside(disk.folder / NAME) is None


def test_the_first_run_of_all_on_a_full_disk(disk: Disk) -> None:
    disk.full = True
    assert add(disk, START)[0]
    assert add(disk, START + 60)[0]
    assert times(disk) == (START, START + 60)


def test_what_sqlite_has_not_put_into_the_file_is_not_lost(disk: Disk) -> None:
    with CONNECT(disk.folder / NAME) as held:
        held.execute("PRAGMA wal_autocheckpoint = 0")
        add(disk, START)
        assert (disk.folder / f"{NAME}-wal").stat().st_size
        disk.full = True
        add(disk, START + 60)
        assert times(disk) == (START, START + 60)
    held.close()


def test_a_file_that_broke_at_home_gives_way(disk: Disk) -> None:
    add(disk, START)
    disk.full = True
    add(disk, START + 60)
    (disk.folder / NAME).write_bytes(b"no database at all " * 99)
    disk.full = False
    for minute in (2, 3):
        add(disk, START + 60 * minute)
    assert times(disk) == tuple(START + 60 * minute for minute in range(4))
    assert refuge.inside(disk.folder / NAME) is None


def test_a_folder_that_others_could_write_is_not_used(disk: Disk) -> None:
    disk.full = True
    folder = refuge.place(disk.folder / NAME).parent
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(StackError, match="the disk is full"):
        add(disk, START)


def test_a_link_in_its_place_is_not_followed(disk: Disk, tmp_path: Path) -> None:
    disk.full = True
    os.symlink(tmp_path, refuge.place(disk.folder / NAME).parent)
    with pytest.raises(StackError, match="the disk is full"):
        add(disk, START)
    assert not (tmp_path / NAME).exists()


def test_without_such_memory_it_says_why(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refuge, "SHM", disk.folder / "none")
    disk.full = True
    with pytest.raises(StackError, match="the disk is full"):
        add(disk, START)
