"""What was found, as a value."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from stackctl.model import Digest, Source
from stackctl.models.layout import inside

#: a file without which an engine that loads folders loads nothing
_HEADS = frozenset({"config.json", "model_index.json", "params.json"})
_MEMBER = re.compile(r"(.*-)\d{1,6}-of-(\d{1,6}\.[a-z]+)")


@dataclass(frozen=True, slots=True)
class Piece:
    """One file. `digest` is what the publisher stated, None if that is not known here; `there` is
    false for what belongs to the model and is not on the disk."""

    path: str
    origin: str
    size: int
    digest: Digest | None = None
    there: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """A model on the disk. `path` is how a user would name it, below the models' folder; `source`
    is None where nothing says whose it is, and `by` says in words what stated the hashes."""

    path: str
    source: Source | None = None
    revision: str = ""
    pieces: tuple[Piece, ...] = ()
    by: str = ""

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self.pieces if piece.there)


def narrowed(found: Found, include: Iterable[str], exclude: Iterable[str]) -> Found:
    """Only the files that a source's patterns mean, by their publisher's paths."""
    include, exclude = tuple(include), tuple(exclude)

    def meant(path: str, patterns: tuple[str, ...]) -> bool:
        return any(path == pattern or fnmatchcase(path, pattern) for pattern in patterns)

    pieces = tuple(
        piece
        for piece in found.pieces
        if (not include or meant(piece.origin, include)) and not meant(piece.origin, exclude)
    )
    return replace(found, pieces=pieces)


def of_repository(found: Found, absent: Iterable[Piece]) -> Found:
    """A part of a repository: its source names what is here, unless an engine takes the folder
    as a whole. Of what is not here the missing shards of a set belong to it, and no more: a
    README, or the other quantisations, nobody wanted."""
    sets = {_set(piece.origin) for piece in found.pieces} - {""}
    missing = [piece for piece in absent if _set(piece.origin) in sets]
    pieces = tuple(sorted([*found.pieces, *missing], key=lambda piece: piece.origin))
    source = found.source
    if source and not _HEADS & {piece.origin for piece in pieces}:
        source = replace(source, include=tuple(piece.origin for piece in pieces))
    return replace(found, source=source, pieces=pieces)


def _set(path: str) -> str:
    """The set of shards that a file belongs to; "" if to none."""
    match = _MEMBER.fullmatch(path)
    return f"{match[1]}*{match[2]}" if match else ""


def shard_set(name: str, names: Iterable[str]) -> list[str]:
    """The names that form one set of shards with `name`; itself if it is of none."""
    mine = _set(name)
    return sorted(each for each in names if _set(each) == mine) if mine else [name]


def is_head(names: Iterable[str]) -> bool:
    """Whether a folder with these names is loaded as a folder."""
    return bool(_HEADS & set(names))


def relative(root: Path, path: Path) -> str:
    return PurePosixPath(path.relative_to(root)).as_posix()


def files_below(folder: Path) -> Iterator[Path]:
    """All files, links included, but for the state of downloaders. Never leads out by a link to a
    folder."""
    for at, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in (".cache", ".git", ".stackctl"))
        for name in sorted(names):
            yield Path(at, name)


def piece(root: Path, path: Path, origin: str, digest: Digest | None = None) -> Piece | None:
    """A file as it is; None for what is no file, leads out of the models' folder, or has a name
    that no lock can hold."""
    text = relative(root, path)
    try:
        real = path.resolve()
        if not (inside(text) and real.is_relative_to(root) and real.is_file()):
            return None
        return Piece(text, origin, real.stat().st_size, digest)
    except (OSError, RuntimeError):  # a link in a circle, no right to look
        return None
