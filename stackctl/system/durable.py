"""Writing that outlasts a power cut, and what the system's errors mean for the user."""

from __future__ import annotations

import errno
import os
import shlex
from contextlib import suppress
from pathlib import Path

from stackctl.model import StackError

_FULL = (errno.ENOSPC, errno.EDQUOT)
_DISK = (*_FULL, errno.EROFS, errno.EIO)


class DiskError(StackError):
    """The disk takes nothing: full, read-only, or failing. Another place would do."""


def fault(error: OSError, path: Path) -> StackError:
    """What went wrong with a file or folder of ours, and what to do about it."""
    near = path
    # not Path.is_dir(), which raises where we may not look
    while not os.path.isdir(near) and near != near.parent:
        near = near.parent
    at = shlex.quote(str(near))
    match error.errno:
        case errno.EROFS:
            problem = "the file system is read-only"
            fix = f"mount it for writing; dmesg says if the disk failed: findmnt -T {at}"
        case errno.EACCES | errno.EPERM:
            problem = "no permission"
            fix = f'give yourself the right: sudo chown -R "$(id -u):$(id -g)" {at}'
        case code if code in _FULL:
            problem = "the disk is full"
            fix = f"make room: df -h {at}"
        case errno.ENOTDIR | errno.EEXIST:
            problem = "there is a file where a folder should be"
            fix = f"move it away: ls -l {at}"
        case errno.ENOENT:
            problem = "it is not there"
            fix = f"create it, or mount the disk that has it: ls -l {at}"
        case errno.EIO:
            problem = "the disk has errors"
            fix = "see what the kernel says, and think of a backup: sudo dmesg -T | tail"
        case _:
            problem, fix = error.strerror or str(error), f"ls -ld {at}"
    kind = DiskError if error.errno in _DISK else StackError
    return kind(f"{path}: {problem}", fix=fix)


def replace_file(path: Path, data: bytes, draft: Path) -> None:
    """Write a file whole or not at all, power cut included; `draft` lies on the same disk and is
    the caller's alone. Raises OSError."""
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError):
            old = path.stat()
            draft.chmod(old.st_mode & 0o777)
        hand_over(draft)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Let the names in a folder outlast a power cut, where its file system knows how."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def hand_over(path: Path) -> None:
    """What root makes (sudo) belongs to the owner of the folder it is in."""
    if os.geteuid() == 0:
        with suppress(OSError):  # a network's file system may know no owners
            folder = path.parent.stat()
            os.chown(path, folder.st_uid, folder.st_gid, follow_symlinks=False)
