"""What huggingface_hub leaves: its cache (models--org--name), and folders of `--local-dir`.

trees/<commit>.json has the hash of every file of a commit. Where it is missing, a file's .metadata
has its etag, and a blob of the cache is called by it: both are the hash.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stackctl.model import Algorithm, Digest, Kind, Source, StackError
from stackctl.models import source as sources
from stackctl.models.adoption.found import (
    Found,
    Piece,
    files_below,
    is_head,
    narrowed,
    of_repository,
    piece,
    relative,
    shard_set,
)
from stackctl.models.layout import inside

CACHE = "models--"
STATE = ".cache/huggingface"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
#: of 100,000 files
_LONGEST_TREE = 1 << 26
_LONGEST = 1 << 12


def is_cache(folder: Path) -> bool:
    return folder.name.startswith(CACHE) and (folder / "snapshots").is_dir()


def is_local(folder: Path) -> bool:
    state = folder / STATE
    return any((state / name).is_dir() for name in ("trees", "download"))


def cached(root: Path, repository: Path, commit: str = "") -> Found | None:
    """A model of the cache, at one commit: the one that its branch names, else the newest."""
    refs = _refs(repository)
    commit = commit or _chosen(repository, refs)
    folder = repository / "snapshots" / commit
    if not commit or not folder.is_dir():
        return None
    stated = _stated(repository, folder, commit)
    links = {path.relative_to(folder).as_posix(): path for path in files_below(folder)}
    pieces = [
        stated.of(made, _by_name(path))
        for origin, path in links.items()
        if (made := piece(root, path, origin))
    ]
    found = Found(
        relative(root, repository),
        _source(repository, refs, commit),
        commit,
        tuple(pieces),
        _by(pieces, stated),
    )
    return of_repository(found, _absent(root, folder, stated, pieces))


def local(root: Path, folder: Path) -> Iterator[Found]:
    """What `hf download --local-dir` brought into a folder; it may be parts of several models."""
    state = folder / STATE
    commits: dict[str, dict[str, Digest]] = {}
    for path in sorted((state / "download").rglob("*.metadata")):
        commit, etag, *_ = [*_read(path, _LONGEST).split("\n"), "", ""]
        origin = path.relative_to(state / "download").as_posix().removesuffix(".metadata")
        if _COMMIT.fullmatch(commit) and (digest := _digest(etag)):
            commits.setdefault(commit, {})[origin] = digest
    for path in sorted((state / "trees").glob("*.json")):
        if _COMMIT.fullmatch(path.stem) and (_tree(path) or path.stem in commits):
            commits.setdefault(path.stem, {})
    for commit, etags in commits.items():
        stated = _Stated(_tree(state / "trees" / f"{commit}.json"), etags)
        # what another commit brought is not this one's
        foreign = {o for c, others in commits.items() if c != commit for o in others} - etags.keys()
        pieces = [
            stated.of(made)
            for origin in sorted({*stated.tree, *etags} - foreign)
            if inside(origin) and (made := piece(root, folder / origin, origin))
        ]
        if not pieces:
            continue
        source = _named(root, commit)
        found = Found(relative(root, folder), source, commit, tuple(pieces), _by(pieces, stated))
        found = of_repository(found, _absent(root, folder, stated, pieces))
        yield from [found] if source or is_head(p.origin for p in pieces) else _apart(found)


def _apart(found: Found) -> Iterator[Found]:
    """Files that have only their folder in common, as nothing says whose they are."""
    origins = [each.origin for each in found.pieces]
    while origins:
        members = shard_set(origins[0], origins)
        origins = [origin for origin in origins if origin not in members]
        part = narrowed(found, members, ())
        yield replace(part, path=part.pieces[0].path)


@dataclass(frozen=True, slots=True)
class _Stated:
    """What the publisher said of the files of a commit."""

    tree: Mapping[str, tuple[int, Digest]]
    etags: Mapping[str, Digest]

    def of(self, piece: Piece, otherwise: Digest | None = None) -> Piece:
        """A file with its hash; and, if that was said as well, with the size it should have."""
        if piece.origin in self.tree:
            size, digest = self.tree[piece.origin]
            return replace(piece, size=size, digest=digest)
        return replace(piece, digest=self.etags.get(piece.origin) or otherwise)


def _stated(repository: Path, folder: Path, commit: str) -> _Stated:
    state = folder / STATE
    for home in (repository, state):
        if tree := _tree(home / "trees" / f"{commit}.json"):
            return _Stated(tree, {})
    etags = {}
    for path in sorted((state / "download").rglob("*.metadata")):
        at, etag, *_ = [*_read(path, _LONGEST).split("\n"), "", ""]
        if at == commit and (digest := _digest(etag)):
            name = path.relative_to(state / "download").as_posix().removesuffix(".metadata")
            etags[name] = digest
    return _Stated({}, etags)


def _by(pieces: list[Piece], stated: _Stated) -> str:
    if stated.tree:
        return "the Hub's list of its files, kept beside it"
    if stated.etags:
        return "the Hub's etags, kept beside it"
    return "the names of its blobs" if any(each.digest for each in pieces) else ""


def _absent(root: Path, folder: Path, stated: _Stated, pieces: list[Piece]) -> list[Piece]:
    here = {each.origin for each in pieces}
    return [
        Piece(relative(root, folder / origin), origin, size, digest, there=False)
        for origin, (size, digest) in stated.tree.items()
        if origin not in here
    ]


def _by_name(path: Path) -> Digest | None:
    """The hash that the blob behind a link is called by."""
    try:
        target = os.readlink(path)
    except OSError:
        return None  # a real file
    return _digest(os.path.basename(target)) if "/blobs/" in target else None


def _digest(etag: str) -> Digest | None:
    etag = etag.strip().strip('"')
    if _SHA256.fullmatch(etag):
        return Digest(Algorithm.SHA256, etag)
    return Digest(Algorithm.GIT_SHA1, etag) if _COMMIT.fullmatch(etag) else None


def _tree(path: Path) -> dict[str, tuple[int, Digest]]:
    """Sizes and hashes of a commit; {} if that is not known, or of another shape."""
    try:
        files: dict[str, dict[str, Any]] = json.loads(_read(path, _LONGEST_TREE))["files"]
        made = {}
        for origin, entry in files.items():
            large = entry.get("lfs_sha256")
            digest = _digest(str(large or entry["blob_id"]))
            size = entry["lfs_size"] if large else entry["size"]
            if digest and inside(origin) and type(size) is int and size >= 0:
                made[origin] = (size, digest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return made


def _read(path: Path, longest: int) -> str:
    try:
        with path.open("rb") as file:
            return file.read(longest).decode()
    except (OSError, ValueError):
        return ""


def _refs(repository: Path) -> dict[str, str]:
    """Branches and tags -> their commits."""
    folder = repository / "refs"
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): _read(path, _LONGEST).strip() for path in paths}


def _chosen(repository: Path, refs: Mapping[str, str]) -> str:
    folder = repository / "snapshots"
    for commit in [refs.get("main", ""), *refs.values()]:
        if commit and "/" not in commit and inside(commit) and (folder / commit).is_dir():
            return commit
    there = sorted((p for p in folder.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime)
    return there[-1].name if there else ""


def _source(repository: Path, refs: Mapping[str, str], commit: str) -> Source | None:
    """None for a name or a revision that the Hub cannot have, as of copies from elsewhere."""
    if not _COMMIT.fullmatch(commit):
        return None
    name = repository.name.removeprefix(CACHE).replace("--", "/")
    names = [ref for ref, at in refs.items() if at == commit]
    revision = "" if "main" in names else (names or [commit])[0]
    try:
        source = sources.parse(f"{Kind.HUB}:{name}")
        made = Source(Kind.HUB, source.name, revision)
        return made if sources.parse(sources.spec(made)) == made else None
    except StackError:
        return None


def _named(root: Path, commit: str) -> Source | None:
    """The model of a commit: --local-dir keeps no name, but the cache may have a branch of it."""
    for repository in sorted((root / "huggingface/hub").glob(f"{CACHE}*")):
        refs = _refs(repository)
        if commit in refs.values():
            return _source(repository, refs, commit)
    return None
