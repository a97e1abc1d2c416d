"""Models with a history: files on disk, known by their hashes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

#: what the Hub keeps outside git: by size, or by suffix
LFS_FROM = 1 << 20
LFS_SUFFIXES = (".safetensors", ".gguf", ".bin")

Files = Mapping[str, "bytes | Path"]


@cache
def _digest(kind: str, path: str, size: int, mtime_ns: int) -> str:
    """Once per state of a file; in pieces, for it may be larger than memory."""
    if kind == "sha256":
        with open(path, "rb", buffering=0) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha1(b"blob %d\0" % size)
    with open(path, "rb", buffering=0) as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


@dataclass(frozen=True)
class Blob:
    """One file as it was when it was published."""

    path: Path
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> Blob:
        found = path.stat()
        return cls(path, found.st_size, found.st_mtime_ns)

    @property
    def sha256(self) -> str:
        return _digest("sha256", str(self.path), self.size, self.mtime_ns)

    @property
    def git_sha1(self) -> str:
        return _digest("git", str(self.path), self.size, self.mtime_ns)

    @property
    def pointer(self) -> bytes:
        """What git holds in place of a large file."""
        text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.sha256}\n"
        return f"{text}size {self.size}\n".encode()

    def is_lfs(self, name: str) -> bool:
        return self.size >= LFS_FROM or name.endswith(LFS_SUFFIXES)

    def oid(self, name: str) -> str:
        """The id in git's tree, of the file or of its pointer."""
        if not self.is_lfs(name):
            return self.git_sha1
        return hashlib.sha1(b"blob %d\0" % len(self.pointer) + self.pointer).hexdigest()

    def etag(self, name: str) -> str:
        return self.sha256 if self.is_lfs(name) else self.git_sha1


@dataclass(frozen=True)
class Commit:
    """A state of all files; its id follows from them and from what was before."""

    files: dict[str, Blob]
    parent: str = ""

    @cached_property
    def id(self) -> str:
        digest = hashlib.sha1(self.parent.encode())
        for name, blob in self.files.items():
            digest.update(f"\0{name}\0{blob.oid(name)}".encode())
        return digest.hexdigest()

    @cached_property
    def folders(self) -> tuple[str, ...]:
        found = {str(up) for name in self.files for up in Path(name).parents} - {"."}
        return tuple(sorted(found))


@dataclass
class Repo:
    """`token`: what a client must send; `gated`: only for the files, listings stay open."""

    id: str
    objects: Path
    token: str | None = None
    gated: bool = False
    #: where files are read from as they are now; None once commits were made by hand
    folder: Path | None = None
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    @property
    def head(self) -> Commit:
        return self.commits[self.refs["main"]]

    def commit(self, files: Files, remove: Iterable[str] = ()) -> Commit:
        """Move main on: these files changed or new, those gone, all others as before."""
        before = self.head.files if "main" in self.refs else {}
        changed = {name: self._blob(value) for name, value in files.items()}
        self.folder = None
        return self._advance(
            {name: blob for name, blob in (before | changed).items() if name not in set(remove)}
        )

    def tag(self, name: str, commit: str | None = None) -> None:
        """A name for a commit, of the head by default."""
        self.refs[name] = commit or self.head.id

    def find(self, revision: str) -> Commit | None:
        return self.commits.get(self.refs.get(revision, revision))

    def refresh(self) -> None:
        """A folder that changed on disk is a new commit."""
        if self.folder is None:
            return
        found = {
            str((where / name).relative_to(self.folder)): Blob.of(where / name)
            for where, names in _walk(self.folder)
            for name in names
        }
        found = dict(sorted(found.items()))
        if "main" not in self.refs or found != self.head.files:
            self._advance(found)

    def _advance(self, files: dict[str, Blob]) -> Commit:
        fresh = Commit(dict(sorted(files.items())), self.refs.get("main", ""))
        self.commits[fresh.id] = fresh
        self.refs["main"] = fresh.id
        return fresh

    def _blob(self, value: bytes | Path) -> Blob:
        return Blob.of(value) if isinstance(value, Path) else store(self.objects, value)


def store(objects: Path, value: bytes) -> Blob:
    """Keep bytes under their hash, so that no later commit touches them."""
    path = objects / hashlib.sha256(value).hexdigest()
    if not path.exists():
        objects.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
        part.write_bytes(value)
        part.replace(path)
    return Blob.of(path)


def _walk(folder: Path) -> Iterable[tuple[Path, list[str]]]:
    """Without what is not published: `.git` and `.cache`."""
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in (".git", ".cache")]
        yield Path(where), names
