"""Files and folders of the host: free room, the lock, files that we write."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stackctl.model import MIB, Space, StackError
from stackctl.system import durable

#: where Docker is unless it was told otherwise
DOCKER = "/var/lib/docker"


def space(path: str, *, models: bool = False) -> Space:
    """Free room where `path` is, or will be."""
    folder = Path(path)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free // MIB
    return Space(path, free, models, folder.stat().st_dev)


def spaces(docker: str, models: Iterable[str]) -> tuple[Space, ...]:
    """Free room for Docker ("": it does not tell where it is) and in the models' folders."""
    found = []
    with suppress(OSError):
        # of a daemon on another machine nothing is known
        if exists(docker or DOCKER):
            found.append(space(docker or DOCKER))
    for folder in dict.fromkeys(filter(None, models)):
        with suppress(OSError):  # a folder above it is not for us
            found.append(space(folder, models=True))
    return tuple(found)


def owner(path: Path) -> str:
    """The user to whom a file or folder belongs; the number where it has no name."""
    try:
        return path.owner()
    except KeyError:
        return str(path.stat().st_uid)


def exists(path: str) -> bool:
    return Path(path).exists()


def write(path: Path, text: str, *, mode: int | None = None) -> None:
    """Write a file whole or not at all; with these rights, whatever the umask is."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.touch(0o600 if mode else 0o666)
        draft.write_text(text, encoding="utf-8")
        if mode:
            draft.chmod(mode)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise StackError(
            f"cannot write {path}: {error.strerror}",
            fix=f"make room or give yourself the right to write: ls -ld {path.parent}",
        ) from None


def write_secret(path: Path, text: str) -> None:
    """As `write`, and it outlasts a power cut; its owner's alone from the first byte on."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        draft.touch(0o600)
        durable.replace_file(path, text.encode(), draft)
    except OSError as error:
        raise durable.fault(error, path) from None


def folder(path: Path, *, mode: int, owner: tuple[int, int] | None = None) -> None:
    """A folder that is there, with these rights; given to `owner` (user, group) by root."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if path.stat().st_mode & 0o777 != mode:
            path.chmod(mode)
        if owner and os.geteuid() == 0:
            os.chown(path, *owner)
    except OSError as error:
        raise StackError(
            f"cannot make the folder {path}: {error.strerror}",
            fix=f"sudo chown -R $(id -u) {path.parent}",
        ) from None


def remove(path: Path) -> None:
    """Remove a file that may be gone already."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StackError(
            f"cannot remove {path}: {error.strerror}", fix=f"ls -ld {path.parent}"
        ) from None


#: a compose file beyond this is none
_LARGEST = MIB


def read(path: Path) -> str:
    """A text that the user named, its lines ending in \n. What cannot be read is a usage error."""
    try:
        if path.stat().st_size > _LARGEST:
            raise StackError(f"{path}: larger than 1 MiB", fix="name a compose file", exit_code=2)
        return path.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise StackError(f"{path}: {reason}", fix=f"ls -l {path.parent}", exit_code=2) from None


def rewrite(path: Path, text: str) -> None:
    """Write a user's file anew, whole or not at all; a link, the rights and line ends stay."""
    path = path.resolve()
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if b"\r\n" in path.read_bytes():
            text = text.replace("\n", "\r\n")
        draft.write_bytes(text.encode("utf-8"))
        shutil.copymode(path, draft)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise StackError(
            f"cannot write {path}: {error.strerror}",
            fix=f"make room or give yourself the right to write: ls -ld {path.parent}",
        ) from None


class Busy(StackError):
    """Another process holds the lock."""


@contextmanager
def lock(path: Path, verb: str, *, patience: float = 0.0) -> Iterator[None]:
    """Hold a lock. A second holder is told who has it, and since when, after `patience` seconds."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = path.open("a+", encoding="utf-8")
    except OSError as error:
        # where the kernel has made the disk read-only, a lock that is there can still be held
        if error.errno != errno.EROFS or not path.exists():
            why = durable.fault(error, path)
            raise StackError(f"cannot open the lock {why.message}", fix=why.fix) from None
        handle = path.open(encoding="utf-8")
    with handle:
        deadline = time.monotonic() + patience
        while not _locked(handle.fileno()):
            if time.monotonic() < deadline:
                time.sleep(0.01)
                continue
            handle.seek(0)
            holder = handle.read().strip() or "another stackctl"
            raise Busy(
                f"{holder} is changing the stack right now",
                fix="wait until it has ended, then try again",
            ) from None
        since = time.strftime("%H:%M:%S")
        note = f"`stackctl {verb}` (pid {os.getpid()}, since {since})\n"
        with suppress(OSError):  # on a full disk the lock holds all the same
            handle.truncate(0)
            os.write(handle.fileno(), note.encode())
        try:
            yield
        finally:
            with suppress(OSError):
                handle.truncate(0)


def holder(path: Path) -> str:
    """Who holds a lock, in the words that it wrote there; empty if nobody does."""
    try:
        with path.open(encoding="utf-8") as handle:
            note = handle.read().strip()
            # without a note it is not tried: for a moment nobody else could take it
            return note if note and not _locked(handle.fileno()) else ""
    except OSError:
        return ""


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
