"""What no role needs. In doubt a thing is needed: what cannot be read, what is fresh, what nobody
pulled or adopted with stackctl."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stackctl.commands.models import usage
from stackctl.commands.models.shelf import Shelf
from stackctl.model import Kind, LockedModel
from stackctl.models import lock
from stackctl.models import source as sources
from stackctl.models.adoption import ollama
from stackctl.models.adoption.found import files_below

#: a blob that is younger may belong to a pull that is going on: its manifest comes last
_SETTLED = 86400.0


@dataclass(frozen=True, slots=True)
class Surplus:
    """Something to remove: files, all below the models' folder, and of which model's lock entry."""

    name: str
    why: str
    files: tuple[Path, ...]
    model: LockedModel | None = None

    @property
    def bytes(self) -> int:
        return usage.of(*self.files).bytes


def models(
    shelf: Shelf, locked: Sequence[LockedModel], going: Sequence[LockedModel]
) -> Iterator[Surplus]:
    """Locked models that are to go; what two of them share goes with the later."""
    left = tuple(locked)
    past: set[Path] = set()
    for model in going:
        past |= {shelf.store.folder / file.path for file in model.files}
        why = "no role needs it"
        if model.source.kind is Kind.FILE:
            why += "; it cannot be fetched again"
        files = _files(shelf, left, model, past)
        left = lock.without(left, model.source)
        yield Surplus(sources.spec(model.source), why, files, model)


def _files(
    shelf: Shelf, left: Sequence[LockedModel], model: LockedModel, past: Collection[Path]
) -> tuple[Path, ...]:
    """The files of one model alone, with the blobs behind links. What a manifest in Ollama's store
    names is not the model's alone, be that locked or not."""
    folder = shelf.store.folder
    paths = [folder / file.path for file in lock.only_of(left, model.source)]
    store = _store(folder, model)
    if store:
        named = _named(store, past)
        paths = [
            path
            for path in paths
            if path.parent != store / "blobs"
            # a manifest that cannot be read may name any
            or (named is not None and path.name.removeprefix("sha256-") not in named)
        ]
    gone = [path for path in paths if _within(folder, path)]
    return (*gone, *_blobs_behind(folder, gone))


def _blobs_behind(folder: Path, links: Sequence[Path]) -> tuple[Path, ...]:
    """The blobs of the Hub's cache that only these links lead to."""
    found: set[Path] = set()
    for repository in {path for link in links if (path := _repository(folder, link))}:
        going = set(links)
        kept = {
            path.resolve()
            for path in files_below(repository / "snapshots")
            if path not in going and path.is_symlink()
        }
        blobs = {path.resolve() for path in links if path.is_symlink() and path.exists()}
        found |= {b for b in blobs - kept if b.parent == repository / "blobs"}
    return tuple(sorted(found))


def _repository(folder: Path, path: Path) -> Path | None:
    """The repository of the Hub's cache that a file of a snapshot is in."""
    return next(
        (each.parent for each in path.parents if each.name == "snapshots" and each != folder), None
    )


def snapshots(shelf: Shelf, locked: Sequence[LockedModel]) -> Iterator[Surplus]:
    """Revisions of locked models that the lock does not have (any more)."""
    folder = shelf.store.folder
    theirs = {folder / file.path for model in locked for file in model.files}
    inside = {parent for path in theirs for parent in path.parents}
    seen: set[Path] = set()
    for model in locked:
        if model.source.kind not in (Kind.HUB, Kind.MODELSCOPE):
            continue
        repositories = {_repository(folder, folder / file.path) for file in model.files}
        for repository in sorted(repositories - {None} - seen, key=str):
            assert repository is not None
            seen.add(repository)
            for snapshot in _folders(repository / "snapshots"):
                if snapshot in inside or not _within(folder, snapshot):
                    continue
                files = [path for path in _all_below(snapshot) if _within(folder, path)]
                name = f"{sources.spec(model.source)}, revision {snapshot.name[:12]}"
                blobs = _blobs_behind(folder, files)
                yield Surplus(name, "an old revision", (*files, *blobs))


def blobs(shelf: Shelf, locked: Sequence[LockedModel]) -> Iterator[Surplus]:
    """Blobs of an Ollama store that no manifest in it names, nor the lock."""
    folder = shelf.store.folder
    theirs = {folder / file.path for model in locked for file in model.files}
    stores = {_store(folder, m) for m in locked if m.source.kind is Kind.OLLAMA} - {None}
    for store in sorted(stores, key=str):
        assert store is not None
        named = _named(store, ())
        if named is None:
            continue
        free = [
            path
            for path in sorted((store / "blobs").iterdir())
            if path.name.removeprefix("sha256-") not in named
            and ollama.is_blob(path.name)
            and path not in theirs
            and _is_settled(path)
            and _within(folder, path)
        ]
        if free:
            yield Surplus("Ollama's blobs", "no manifest names them", tuple(free))


def state(shelf: Shelf, locked: Sequence[LockedModel]) -> Iterator[Surplus]:
    """What stackctl itself has kept: downloads nobody takes up, files put aside, chains."""
    store = shelf.store
    digests = {file.digest for model in locked for file in model.files}
    parts = {f"{digest.algorithm}-{digest.hex}" for digest in digests}
    if orphans := store.orphans(parts, time.time()):
        yield Surplus("unfinished downloads", "nobody takes them up", orphans)
    if store.quarantine.is_dir() and (aside := tuple(_all_below(store.quarantine))):
        yield Surplus("files put aside by repair", "the right ones are in their place", aside)
    names = {digest.hex for digest in digests}
    chains = tuple(p for p in _all_below(store.chains.folder) if p.name not in names)
    if chains:
        yield Surplus("notes on files that are gone", "nobody needs them", chains)


def receipts(shelf: Shelf, gone: Sequence[Path], left: Sequence[LockedModel]) -> Iterator[Path]:
    """What the Hub's tools and ours keep beside a model of which nothing is left."""
    folder = shelf.store.folder
    repositories = {path for each in gone if (path := _repository(folder, each))}
    theirs = {folder / file.path for model in left for file in model.files}
    for path in gone:
        for above in path.parents:
            if above == folder:
                break
            state = above / ".cache/huggingface/download"
            name = path.relative_to(above).as_posix()
            yield from (each for end in ("metadata", "lock") if (each := state / f"{name}.{end}"))
    for repository in sorted(repositories):
        for snapshot in _folders(repository / "snapshots"):
            if not list(files_below(snapshot)):
                yield from _all_below(snapshot / ".cache")
        still = any(True for _ in files_below(repository / "snapshots"))
        if not still and not any(path.is_relative_to(repository) for path in theirs):
            for name in ("refs", "trees", ".no_exist"):
                yield from _all_below(repository / name)


def _store(folder: Path, model: LockedModel) -> Path | None:
    for file in model.files:
        if "/manifests/" in f"/{file.path}":
            return ollama.store_of(folder / file.path)
    return None


def _named(store: Path, without: Collection[Path]) -> set[str] | None:
    """The blobs that the manifests of a store name, but for some; None if one cannot be read."""
    found: set[str] = set()
    try:
        for path in files_below(store / "manifests"):
            if path not in without and not path.name.startswith("."):
                found |= ollama.blobs(path).keys()
    except ValueError:
        return None
    return found


def _is_settled(path: Path) -> bool:
    try:
        return time.time() - path.lstat().st_mtime > _SETTLED
    except OSError:
        return False


def _within(folder: Path, path: Path) -> bool:
    """Whether a path is where it says: no link among its folders leads elsewhere."""
    try:
        return path.parent.resolve() == path.parent and path.is_relative_to(folder)
    except (OSError, RuntimeError):
        return False


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(each for each in path.iterdir() if each.is_dir() and not each.is_symlink())
    except OSError:
        return []


def _all_below(path: Path) -> list[Path]:
    if path.is_symlink():
        return []
    return [Path(at, name) for at, _, names in os.walk(path) for name in sorted(names)]
