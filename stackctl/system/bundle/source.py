"""Reading a bundle that came from elsewhere: nothing in it is believed but what was checked."""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from stackctl.model import StackError
from stackctl.system.durable import fault

LOCK = "models.lock"
#: a lock of a hundred thousand files is smaller
_LARGEST = 64 << 20
_PACKED = {
    b"\x1f\x8b": "gunzip",
    b"\x28\xb5\x2f\xfd": "unzstd",
    b"BZh": "bunzip2",
    b"\xfd7zX": "unxz",
}


@dataclass(frozen=True, slots=True)
class Member:
    """Where a file's bytes are."""

    path: Path
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Source:
    """A bundle: the text of its lock, and a way to find its files."""

    path: Path
    lock: str
    find: Callable[[str], Member | None]

    def members(self, names: Iterable[str]) -> dict[str, Member]:
        """Where these files are; an error unless all are there."""
        found = {name: self.find(name) for name in names}
        if missing := [name for name, member in found.items() if member is None]:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise damaged(self.path, f"lacks {missing[0]}{more}: it is cut off or incomplete")
        return {name: member for name, member in found.items() if member}


@contextmanager
def opened(member: Member) -> Iterator[int]:
    """A descriptor to read the member's bytes from, from its offset on."""
    descriptor = os.open(member.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def damaged(path: Path, problem: str) -> StackError:
    return StackError(
        f"{path}: {problem}",
        fix="copy it again from where it was written, or write it anew: stackctl models export",
    )


def open_bundle(path: Path) -> Source:
    """What is in a bundle; of its files only where they are and how long."""
    try:
        return _folder(path) if path.is_dir() else _tar(path)
    except OSError as error:
        raise fault(error, path) from None


def _folder(folder: Path) -> Source:
    root = folder.resolve()

    def find(name: str) -> Member | None:
        full = root / name
        try:
            found = full.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not stat.S_ISREG(found.st_mode) or full.resolve() != full:
            raise _harmful(folder, f"{name!r} is a link or no file")
        return Member(full, 0, found.st_size)

    if (member := find(LOCK)) is None:
        if find(f"{LOCK}.part"):
            raise StackError(
                f"{folder}: its export was broken off",
                fix="run the same stackctl models export again: it goes on with what is there",
            )
        raise _none(folder, f"has no {LOCK}")
    return Source(folder, _text(folder, member), find)


def _tar(path: Path) -> Source:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise _none(path, "is no folder and no file")
    with path.open("rb") as file:
        head = file.read(4)
    for magic, program in _PACKED.items():
        if head.startswith(magic):
            raise StackError(f"{path}: is compressed", fix=f"{program} it first", exit_code=2)
    members: dict[str, Member] = {}
    try:
        with tarfile.open(path, "r:", errorlevel=0) as tar:
            while (info := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # it would keep them all
                name = _checked(path, info)
                if not members and name != LOCK:
                    raise _none(path, f"does not begin with {LOCK}")
                if name in members:
                    raise _harmful(path, f"{name!r} is there twice")
                if info.offset_data + info.size > found.st_size:
                    raise damaged(path, f"ends in the middle of {name}: it is cut off")
                if not info.isdir():
                    members[name] = Member(path.resolve(), info.offset_data, info.size)
    except (tarfile.TarError, ValueError, OverflowError):
        if members:
            raise damaged(path, "is cut off or damaged") from None
        raise _none(path, "is no tar") from None
    if LOCK not in members:
        raise _none(path, f"has no {LOCK}")
    return Source(path, _text(path, members[LOCK]), members.get)


def _checked(path: Path, info: tarfile.TarInfo) -> str:
    """The name of a member that is a plain file or folder, in our folder and nowhere else."""
    name = info.name.removeprefix("./")
    if "/../" in f"/{name}/" or name.startswith("/") or "\0" in name:
        raise _harmful(path, f"{info.name!r} leaves its folder")
    if not (info.isreg() or info.isdir()) or info.issparse():
        raise _harmful(path, f"{info.name!r} is a link or no file")
    return name


def _text(path: Path, member: Member) -> str:
    if member.size > _LARGEST:
        raise damaged(path, f"its {LOCK} is none")
    with opened(member) as descriptor:
        data = os.pread(descriptor, member.size, member.offset)
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8")
    raise damaged(path, f"its {LOCK} is no text")


def _none(path: Path, why: str) -> StackError:
    return StackError(
        f"{path}: {why}, so it is nothing that stackctl models export has written",
        fix="name the folder or .tar that export wrote",
        exit_code=2,
    )


def _harmful(path: Path, what: str) -> StackError:
    return StackError(
        f"{path}: {what}: stackctl models export writes no such thing",
        fix="do not use this bundle; somebody has changed it",
    )
