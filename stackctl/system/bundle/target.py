"""Writing models to a folder or a tar. Nothing that is half written ever has its final name.

Made, a target has only looked at what is there; `with target:` begins to write and ends it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import tarfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol, Self

from stackctl.model import StackError
from stackctl.system import files
from stackctl.system.bundle.copy import Write
from stackctl.system.bundle.source import LOCK
from stackctl.system.bundle.whole import FLAGS, failing, whole_file, writer
from stackctl.system.durable import fault, hand_over, sync_folder
from stackctl.system.transfer import place

#: what a member of a tar takes beside its content, and a file of its folder
_HEAD = 4096


class Target(Protocol):
    """Where models are written to. `draft` is what a broken run leaves."""

    path: Path
    draft: Path

    def __enter__(self) -> Self: ...
    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None: ...

    def there(self, path: str, size: int) -> Path | None:
        """A file that an earlier run has written, if it is as long as it should be."""

    def file(self, path: str, size: int, mtime: float) -> AbstractContextManager[Write]:
        """One file: whole after the block, or not there."""

    def text(self, path: str, text: str) -> None:
        """A small file."""


def open_target(path: Path, lock: str) -> Target:
    """A tar if the name says so, else a folder. `lock` is the text of its models.lock."""
    return TarTarget(path, lock) if path.suffix == ".tar" else FolderTarget(path, lock)


def check_room(target: Target, needed: int, count: int) -> None:
    """An error if so many bytes in so many files do not fit."""
    free = files.space(str(target.path.parent)).free_mib << 20
    if target.draft.is_file():
        free += target.draft.stat().st_blocks * 512
    if (missing := needed + (count + 2) * _HEAD - free) > 0:
        raise StackError(
            f"{target.path}: {needed / 1e9:.1f} GB are to be written, "
            f"and {missing / 1e9:.1f} GB more than are free",
            fix="make room, name a larger disk, or fewer models",
        )


class FolderTarget:
    """A folder: new, empty, or what an earlier run for the same models has left."""

    def __init__(self, folder: Path, lock: str) -> None:
        self.path, self._text = folder, lock
        self._lock, self.draft = folder / LOCK, folder / f"{LOCK}.part"
        with failing(folder):
            marks = [mark for mark in (self._lock, self.draft) if mark.is_file()]
            if not marks and folder.exists() and any(folder.iterdir()):
                raise StackError(
                    f"{folder}: is not empty, and no export of ours began there",
                    fix="name a folder that is empty or not there yet, or a file that ends in .tar",
                    exit_code=2,
                )
            if any(mark.read_bytes() != lock.encode() for mark in marks):
                raise StackError(
                    f"{folder}: holds an export of other models",
                    fix=f"name another folder, or remove that export: rm -r {folder}",
                    exit_code=2,
                )

    def __enter__(self) -> Self:
        """Say whose export this is before there is anything of it."""
        with failing(self.path):
            place.make(self.path)
            if not self._lock.exists():
                self.draft.write_text(self._text, encoding="utf-8")
                hand_over(self.draft)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self.draft.exists():
            with failing(self._lock):
                _sync(self.draft)
                self.draft.replace(self._lock)
                sync_folder(self.path)

    def there(self, path: str, size: int) -> Path | None:
        full = self.path / path
        with suppress(OSError):
            return full if full.is_file() and full.stat().st_size == size else None
        return None

    def file(self, path: str, size: int, mtime: float) -> AbstractContextManager[Write]:
        full = self.path / path
        return whole_file(full, full.with_name(f".{full.name[:200]}.part"), mtime)

    def text(self, path: str, text: str) -> None:
        data = text.encode()
        with self.file(path, len(data), 0) as write:
            write(memoryview(data))


class TarTarget:
    """A tar without compression, for weights do not compress: TARGET.part until it is whole."""

    def __init__(self, path: Path, lock: str) -> None:
        self.path, self._text = path, lock
        self.draft = path.with_name(f"{path.name}.part")
        self._descriptor = -1
        if path.exists():
            raise StackError(
                f"{path}: is there already", fix=f"name another file, or: rm {path}", exit_code=2
            )
        if not path.parent.is_dir():
            raise fault(FileNotFoundError(errno.ENOENT, ""), path.parent)

    def __enter__(self) -> Self:
        with failing(self.draft):
            self._descriptor = os.open(self.draft, FLAGS, 0o644)
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(self._descriptor)
                raise StackError(
                    f"{self.path}: another stackctl is writing it", fix="name another file"
                ) from None
            os.ftruncate(self._descriptor, 0)
            hand_over(self.draft)
        self._write = writer(self._descriptor, self.path)
        self.text(LOCK, self._text)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                with failing(self.path):
                    self._write(memoryview(bytes(2 * tarfile.BLOCKSIZE)))
                    os.fsync(self._descriptor)
                    self.draft.replace(self.path)
                    sync_folder(self.path.parent)
        finally:
            with suppress(OSError):
                self.draft.unlink()
            os.close(self._descriptor)

    def there(self, path: str, size: int) -> Path | None:
        return None

    @contextmanager
    def file(self, path: str, size: int, mtime: float) -> Iterator[Write]:
        info = tarfile.TarInfo(path)
        info.size, info.mtime = size, int(mtime)
        self._write(memoryview(info.tobuf(tarfile.PAX_FORMAT)))
        yield self._write
        self._write(memoryview(bytes(-size % tarfile.BLOCKSIZE)))

    def text(self, path: str, text: str) -> None:
        data = text.encode()
        with self.file(path, len(data), 0) as write:
            write(memoryview(data))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
