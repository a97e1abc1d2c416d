"""Files that stand where another content belongs: put aside before they are replaced.

A damaged file is worth nothing, but one that its owner has changed (a chat template, a config.json)
must not be lost. Which of the two it is cannot be known, so only what is surely broken is deleted.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from stackctl.commands.models.shelf import Shelf
from stackctl.model import LockedFile
from stackctl.models.formats import structure

#: nobody edits files that are larger; one of the right size and another hash is then damaged
_EDITED = 4 << 20


def aside(shelf: Shelf, file: LockedFile) -> Path | None:
    """A second name for the file that is to be replaced, None if there is none. It keeps its own
    until then, so that an engine that starts meanwhile finds what it found before."""
    path = shelf.path(file)
    if path.is_symlink() or not path.is_file():
        return None
    when = time.strftime("%Y%m%dT%H%M%S")
    kept = shelf.store.quarantine / f"{file.path}.{when}"
    shelf.store.make(kept.parent)
    number = 1
    while kept.exists():
        number += 1
        kept = kept.with_name(f"{path.name}.{when}-{number}")
    try:
        os.link(path, kept)
    except OSError:  # no hard links there (exFAT, some networks)
        try:
            path.replace(kept)
        except OSError:
            return None  # another disk below the models' folder
    return kept


def settle(shelf: Shelf, file: LockedFile, kept: Path) -> str:
    """The right file has come: delete what is surely broken, else say where it is now."""
    broken = structure(kept, Path(file.origin or file.path).name)
    size = kept.stat().st_size
    if broken or (size == file.size > _EDITED) or not size:
        kept.unlink(missing_ok=True)
        _tidy(shelf, kept)
        return ""
    return f"{file.path}: what stood there instead is kept: {kept}"


def give_back(shelf: Shelf, file: LockedFile, kept: Path) -> str:
    """The right file has not come: the old one stays where it was."""
    path = shelf.path(file)
    with suppress(OSError):
        if not path.exists():
            kept.replace(path)
            _tidy(shelf, kept)
        elif path.samefile(kept):
            kept.unlink()
            _tidy(shelf, kept)
        return ""
    return f"{file.path}: what stood there is in {kept}"


def _tidy(shelf: Shelf, kept: Path) -> None:
    """Leave no empty folders."""
    folder = kept.parent
    with suppress(OSError):
        while folder.is_relative_to(shelf.store.quarantine):
            folder.rmdir()
            folder = folder.parent
