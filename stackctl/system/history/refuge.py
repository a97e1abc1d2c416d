"""Where the history is while its own disk takes nothing: in memory, whole.

A full disk, or one that the kernel made read-only, is when alerts are needed most, and what was
told already is in the history as well. So it moves to /dev/shm, and home again when there is room.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import stat
from contextlib import AbstractContextManager, closing, suppress
from pathlib import Path

from stackctl.model import MIB, StackError
from stackctl.system import durable
from stackctl.system.history import schema

#: memory that looks like a folder
SHM = Path("/dev/shm")  # noqa: S108 - its folders are looked at before they are used


def place(path: Path) -> Path:
    """Where the history of this path is while it cannot be there."""
    mark = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:12]
    return SHM / f"stackctl-{mark}" / path.name


def inside(path: Path) -> Path | None:
    """The refuge of this history, if that is where it is now."""
    spare = place(path)
    return spare if spare.exists() and _ours(spare.parent, path) else None


def move_in(path: Path) -> Path:
    """Copy what can be read of it; the refuge. Raises OSError where there is none."""
    spare = place(path)
    with suppress(FileExistsError):
        spare.parent.mkdir(mode=0o700)
        if os.geteuid() == 0:
            owner = path.parent.stat()
            os.chown(spare.parent, owner.st_uid, owner.st_gid)
    if not _ours(spare.parent, path):
        raise PermissionError(f"{spare.parent} is somebody else's")
    with moving(spare):
        if not spare.exists():
            _copy(path, spare)
    return spare


def moving(spare: Path) -> AbstractContextManager[None]:
    """One process at a time moves it, or uses it where it may be moved. Raises StackError."""
    return schema.alone(spare.with_name("moving"))


def _copy(path: Path, spare: Path) -> None:
    """Whole or not at all, with what SQLite has not put into the file yet."""
    draft = spare.with_name("draft")
    for source, target in ((f"{path}-wal", f"{spare}-wal"), (str(path), str(draft))):
        with suppress(FileNotFoundError):
            shutil.copyfile(source, target)
            durable.hand_over(Path(target))
    with suppress(FileNotFoundError):
        draft.replace(spare)


def move_out(path: Path, spare: Path) -> bool:
    """Bring it home, if there is room; `moving` is held."""
    try:
        need = 3 * spare.stat().st_size + MIB  # a copy, in SQLite's own log at first
        there = os.statvfs(path.parent)
        if there.f_flag & os.ST_RDONLY or there.f_bavail * there.f_frsize < need:
            return False
        with closing(schema.connect(path)) as home, closing(schema.connect(spare)) as away:
            away.backup(home)
    except schema.DamagedError:
        with suppress(StackError):  # then the next run brings it home
            schema.move_aside(path)
        return False
    except (OSError, sqlite3.Error, StackError):
        return False
    for ending in ("", "-wal", "-shm"):
        spare.with_name(spare.name + ending).unlink(missing_ok=True)
    return True


def _ours(folder: Path, path: Path) -> bool:
    """Whether nobody but the history's owner and root could have put it there."""
    try:
        seen = folder.lstat()
        owners = {0, os.geteuid(), path.parent.stat().st_uid}
    except OSError:
        return False
    return stat.S_ISDIR(seen.st_mode) and seen.st_uid in owners and not seen.st_mode & 0o022
