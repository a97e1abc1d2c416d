"""Writing a large file whole, or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stackctl.model import StackError
from stackctl.system.bundle.copy import Write
from stackctl.system.durable import fault
from stackctl.system.transfer import place

#: never through a link that somebody has put there
FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
#: bytes between two waits for the disk: else progress shows what has reached memory only
_SYNC = 1 << 30


@contextmanager
def whole_file(target: Path, draft: Path, mtime: float | None = None) -> Iterator[Write]:
    """What the block writes gets its name at the block's end; if the block fails there is nothing.
    `draft` lies on the same disk and is the caller's alone."""
    with failing(target):
        place.make(target.parent)
        place.make(draft.parent)
        descriptor = os.open(draft, FLAGS | os.O_TRUNC, 0o644)
    try:
        try:
            yield writer(descriptor, target)
            with failing(target):
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        with failing(target):
            if mtime is not None:
                os.utime(draft, (mtime, mtime))
            place.put(draft, target)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise


def writer(descriptor: int, target: Path) -> Write:
    """Writes a piece whole, and lets the disk keep up."""
    waiting = 0

    def write(piece: memoryview) -> None:
        nonlocal waiting
        waiting += len(piece)
        with failing(target):
            while piece:
                piece = piece[os.write(descriptor, piece) :]
            if waiting > _SYNC:
                os.fdatasync(descriptor)
                waiting = 0

    return write


@contextmanager
def failing(path: Path) -> Iterator[None]:
    """The disk's errors in our words."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise StackError(
                f"{path}: this file system takes no file so large",
                fix="format the disk as exFAT or ext4; FAT32 ends at 4 GB",
            ) from None
        raise fault(error, path) from None
