"""Folders and final names, for the one who owns what is around them."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from stackctl.system.durable import hand_over, sync_folder


def make(folder: Path) -> None:
    """A folder, and those above it that are missing."""
    if not folder.is_dir():
        if folder.parent != folder:
            make(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir()
            hand_over(folder)
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))


def put(source: Path, target: Path) -> None:
    """Give a finished file, whose content is on the disk, its final name; what had that name is
    replaced, and if that was a link, only the link."""
    make(target.parent)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _copy(source, target)  # a bind mount of the same disk: nobody could know before
    hand_over(target)
    sync_folder(target.parent)


def _copy(source: Path, target: Path) -> None:
    draft = target.with_name(f".{target.name[:200]}.stackctl-draft")
    try:
        shutil.copyfile(source, draft)
        draft.chmod(0o644)
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    source.unlink()
