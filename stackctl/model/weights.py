"""Model files: where they come from, what their publisher says they are, what was seen of them.

Sizes are in bytes. Paths are relative to the models' folder and use "/".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Who publishes a model; the word before the colon of a source."""

    HUB = "hf"
    MODELSCOPE = "ms"
    OLLAMA = "ollama"
    URL = "https"
    FILE = "file"


class Algorithm(StrEnum):
    SHA256 = "sha256"
    #: sha1 of "blob SIZE\0" and the content: what git, and so the Hub, names small files by
    GIT_SHA1 = "git-sha1"


@dataclass(frozen=True, slots=True)
class Digest:
    algorithm: Algorithm
    hex: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


@dataclass(frozen=True, slots=True)
class Source:
    """A model as its owner names it, e.g. hf:openai/gpt-oss-20b@main.

    `name` is org/name, name:tag, the rest of a URL or a path on this disk. `include` and `exclude`
    are patterns of fnmatch over the publisher's paths; no `include` means all.
    """

    kind: Kind
    name: str
    revision: str = ""  # branch, tag or commit as asked for; "" is the publisher's default
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    digest: Digest | None = None  # of a single file, where the owner states it


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file as its publisher lists it. `path` is the publisher's."""

    path: str
    size: int
    digest: Digest
    xet: str = ""  # its hash in the Hub's chunk store, if it is there


@dataclass(frozen=True, slots=True)
class Listing:
    """What a publisher offers under a source. `revision` never changes its content again."""

    source: Source
    revision: str
    files: tuple[RemoteFile, ...]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What stat says of a file. A change of the content changes at least one of these, but for
    bits that rot on the disk."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One file of a pinned model.

    `verified` is when its hash was last taken and right (ISO 8601, UTC; "" is never) and `stamp`
    what stat said then. `wrong` is the hash that was found instead, if the last one was wrong.
    """

    path: str
    origin: str  # its path at the publisher's
    size: int
    digest: Digest
    verified: str = ""
    stamp: Stamp | None = None
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class LockedModel:
    """A model pinned to one revision. `stated` is false where no publisher vouches for the hashes:
    they were taken from what was on the disk."""

    source: Source
    revision: str
    files: tuple[LockedFile, ...]
    stated: bool = True
