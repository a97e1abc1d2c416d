"""Unfinished downloads that nobody will take up again."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from stackctl.commands.models.fetch import part_of, say
from stackctl.commands.models.shelf import Shelf
from stackctl.model import LockedFile
from stackctl.system.progress import size


def clean(shelf: Shelf) -> None:
    """Remove them, but those that another stackctl is at work on."""
    wanted = {_name(shelf, file) for model in shelf.models for file in model.files}
    wanted |= _updates(shelf)
    freed = 0
    for path in shelf.store.orphans(wanted, time.time()):
        if not _in_use(path):
            with suppress(OSError):
                freed += path.stat().st_blocks * 512
                path.unlink()
    if freed:
        say(f"removed broken downloads that nothing needs any more: {size(freed)}")


def under_way(shelf: Shelf, files: tuple[LockedFile, ...], key: str) -> Path:
    """Note that an update needs these parts, which the lock does not say before its end."""
    folder = shelf.store.make(shelf.store.state / "updates")
    note = folder / key
    note.write_text("\n".join(_name(shelf, file) for file in files), encoding="ascii")
    return note


def _updates(shelf: Shelf) -> set[str]:
    found: set[str] = set()
    with suppress(OSError):
        for note in (shelf.store.state / "updates").iterdir():
            with suppress(OSError, ValueError):
                found.update(note.read_text(encoding="ascii").split())
    return found


def _name(shelf: Shelf, file: LockedFile) -> str:
    return part_of(shelf, file).stem


def _in_use(path: Path) -> bool:
    """Whoever writes into a part has it locked; small files lie beside it for a moment only."""
    part = path.with_name(f"{path.name.partition('.')[0]}.part")
    with suppress(OSError):
        if time.time() - path.lstat().st_mtime < _MOMENT and part != path and not part.exists():
            return True
    try:
        descriptor = os.open(part, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


_MOMENT = 60.0
