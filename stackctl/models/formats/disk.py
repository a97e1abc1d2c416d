"""Files of the disk, opened so that nothing found there can block or harm us."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

#: troubles of this process, not of the file: not ours to read, so not ours to judge
_OURS = {errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
#: a hole is found by the file system's block; smaller runs of zeros are ordinary
_SMALLEST_HOLE = 1 << 16
#: ZFS turns written zeros into holes, by its record; its large block size gives it away
_USUAL_BLOCK = 1 << 16
_SMALLEST_HOLE_OF_ZFS = 1 << 24
#: small holes looked over before the rest is believed
_MOST_HOLES = 1000


def open_regular(path: Path) -> BinaryIO | None:
    """A file to read; None for what is not one, as a pipe that would block. Raises OSError."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        # another may have put a pipe there meanwhile
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError:  # a name that no file can have
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)) from None
    file = os.fdopen(number, "rb")
    if stat.S_ISREG(os.fstat(number).st_mode):
        return file
    file.close()
    return None


def trouble(error: OSError) -> str:
    """What an error says of the file; nothing if it is rather ours."""
    if error.errno in _OURS:
        return ""
    return f"cannot be read: {error.strerror or error}"


def shown(name: str) -> str:
    """A name fit for printing: the disk may hold bytes that are no text."""
    text = name.encode("utf-8", "replace").decode()
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def exists(path: Path) -> bool:
    """Whether a file is there; one that we may not look at counts as there."""
    try:
        path.stat()
    except OSError as error:
        return error.errno in _OURS
    except ValueError:
        return False
    return True


def hole(file: BinaryIO) -> str:
    """A sparse stretch inside: what a preallocated download leaves when it breaks off."""
    number = file.fileno()
    about = os.fstat(number)
    least = _SMALLEST_HOLE if about.st_blksize <= _USUAL_BLOCK else _SMALLEST_HOLE_OF_ZFS
    end = 0
    for _ in range(_MOST_HOLES):
        try:
            begin = os.lseek(number, end, os.SEEK_HOLE)
        except OSError:
            return ""  # a file system that does not tell
        if begin >= about.st_size:
            return ""
        try:
            end = os.lseek(number, begin, os.SEEK_DATA)
        except OSError:
            end = about.st_size  # no data behind it
        if end - begin >= least:
            return f"{end - begin} bytes from {begin} on were never written"
    return ""
