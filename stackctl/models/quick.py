"""The quick look at locked files: size, stat and structure, in milliseconds whatever their size."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stackctl.model import Kind, LockedFile, LockedModel, Stamp
from stackctl.models import source as sources
from stackctl.models.formats import disk, scan, shards, structure
from stackctl.models.state import State, judge

#: how formats tell of a hole. Zeros that `rsync -S` or `cp --sparse` left out are holes as well
_HOLE = "were never written"

Owned = tuple[LockedModel, LockedFile]


@dataclass(frozen=True, slots=True)
class Seen:
    """One locked file as it lies on the disk; `problems` are those of its structure."""

    model: LockedModel
    file: LockedFile
    state: State
    size: int = 0
    problems: tuple[str, ...] = ()


def belonging(
    models: Iterable[LockedModel], specs: Collection[str], place: str = ""
) -> tuple[Owned, ...]:
    """The locked files that a service loads: those of its sources (canonical texts). If none of
    these brings what lies at `place`, where its engine looks, then the lock may know that place
    from elsewhere."""
    models = tuple(models)
    found = {
        file.path: (model, file)
        for model in models
        if sources.spec(model.source) in specs
        for file in model.files
    }
    if place and not covers(found.values(), place):
        for model in models:
            for file in _loaded(model, place):
                found.setdefault(file.path, (model, file))
    return tuple(found.values())


def covers(owned: Iterable[Owned], place: str) -> bool:
    """Whether any of these files is or lies below a place."""
    return bool(place) and any(_at(file.path, place) for _, file in owned)


def _at(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _loaded(model: LockedModel, place: str) -> Iterator[LockedFile]:
    """What an engine loads that is given a path: a folder, a file with its other shards, or one of
    Ollama's manifests with its blobs."""
    paths = {file.path for file in model.files}
    if place in paths:
        if model.source.kind is Kind.OLLAMA:
            yield from model.files
            return
        at = PurePosixPath(place)
        beside = {p.name: str(p) for p in map(PurePosixPath, paths) if p.parent == at.parent}
        wanted = {place, *(beside[name] for name in shards.members(at.name, beside))}
        yield from (file for file in model.files if file.path in wanted)
        return
    yield from (file for file in model.files if _at(file.path, place))


def common(model: LockedModel) -> str:
    """The folder that is a model by itself; "" where its files lie among those of others."""
    paths = [file.path for file in model.files]
    head, mark, tail = paths[0].partition("/snapshots/") if paths else ("", "", "")
    place = f"{head}{mark}{tail.partition('/')[0]}" if mark else ""
    return place if place and all(_at(path, place) for path in paths) else ""


def look(
    folder: Path, owned: Sequence[Owned], place: str, stamp: Callable[[str], Stamp | None]
) -> tuple[tuple[Seen, ...], tuple[str, ...]]:
    """See locked files below the models' `folder` -> each, and what is wrong at `place` besides."""
    texts = list(scan(folder / place)) if place and (folder / place).exists() else []
    named: dict[str, list[str]] = {}
    for _, file in owned:
        if texts and _scanned(file.path, place):
            start = f"{disk.shown(called(file.path, place))}: "
            named[file.path] = [text for text in texts if text.startswith(start)]
    seen = []
    for model, file in owned:
        now = stamp(file.path)
        state = judge(file, now)
        problems = named.get(file.path)
        if problems is None and not _scanned(file.path, place):
            problems = list(structure(folder / file.path, PurePosixPath(file.path).name))
        if state is State.GOOD:  # byte by byte what its publisher has, so no hole is damage
            problems = [text for text in problems or () if not text.endswith(_HOLE)]
        size = now.size if now else 0
        seen.append(Seen(model, file, state, size, tuple(problems or ())))
    told = {text for texts_of_one in named.values() for text in texts_of_one}
    return tuple(seen), tuple(text for text in texts if text not in told)


def _scanned(path: str, place: str) -> bool:
    """Whether `scan` of a place judges this file."""
    if not place:
        return False
    store, mark, _ = place.partition("/manifests/")
    if mark:
        return path == place or path.startswith(f"{store}/blobs/")
    at = PurePosixPath(place)
    beside = PurePosixPath(path)
    same = beside.parent == at.parent and bool(shards.members(at.name, [beside.name]))
    return _at(path, place) or same


def called(path: str, place: str) -> str:
    """The name by which `scan` of a place speaks of a file."""
    name = PurePosixPath(path).name
    if not path.startswith(f"{place}/"):
        return f"{name}.gguf" if "/blobs/" in path else name
    inside = path[len(place) + 1 :]
    if place.endswith("/snapshots"):
        return inside.partition("/")[2] or inside
    return inside
