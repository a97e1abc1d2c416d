"""Which models lie in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from stackctl.models.adoption import hub, ollama
from stackctl.models.adoption.found import (
    Found,
    files_below,
    is_head,
    narrowed,
    piece,
    relative,
    shard_set,
)
from stackctl.models.formats.file import is_weights

_DEEPEST = 8


def discover(root: Path, folder: Path, deepest: int = _DEEPEST) -> Iterator[Found]:
    """All models in a folder below the models' folder `root`, both without links."""
    if hub.is_cache(folder):
        if found := hub.cached(root, folder):
            yield found
        return
    if ollama.is_store(folder):
        yield from ollama.models(root, folder)
        return
    names, folders = _entries(folder)
    claimed: set[str] = set()
    if folder != root and hub.is_local(folder):
        for found in hub.local(root, folder):
            claimed.update(each.path for each in found.pieces)
            yield found
    if folder != root and not claimed and is_head(names) and any(map(is_weights, names)):
        yield whole(root, folder)
        return
    free = [n for n in names if is_weights(n) and relative(root, folder / n) not in claimed]
    while free:
        members = shard_set(free[0], free)
        free = [name for name in free if name not in members]
        if found := _files(root, folder, members):
            yield found
    if deepest and not (claimed and is_head(names)):
        for name in folders:
            yield from discover(root, folder / name, deepest - 1)


def at(root: Path, path: Path) -> Iterator[Found]:
    """The models that a user means by a path below the models' folder."""
    for above in (path, *path.parents):
        if above == root:
            break
        if above.parent.name == "snapshots" and hub.is_cache(above.parent.parent):
            if found := hub.cached(root, above.parent.parent, above.name):
                yield found
            return
        if above.name == "snapshots" and hub.is_cache(above.parent):
            path = above.parent
    if path.is_dir():
        yield from discover(root, path)
    elif store := ollama.store_of(path):
        if found := ollama.model(root, store, path):
            yield found
    else:
        yield from _one(root, path)


def whole(root: Path, path: Path) -> Found:
    """A file, or everything below a folder, as one model of which nothing is known."""
    if path.is_dir():
        origins = {each: each.relative_to(path).as_posix() for each in files_below(path)}
        pieces = [made for each, name in origins.items() if (made := piece(root, each, name))]
        return Found(relative(root, path), pieces=tuple(pieces))
    names, _ = _entries(path.parent)
    found = _files(root, path.parent, shard_set(path.name, names))
    return found or Found(relative(root, path))


def _one(root: Path, path: Path) -> Iterator[Found]:
    """A file; with what `hf download --local-dir` knows of it, if that brought it."""
    text = relative(root, path)
    for folder in path.parents:
        if folder == root:
            break
        if not hub.is_local(folder):
            continue
        for found in hub.local(root, folder):
            mine = next((each for each in found.pieces if each.path == text), None)
            if mine:
                members = shard_set(mine.origin, [each.origin for each in found.pieces])
                found = narrowed(found, members, ())
                source = found.source and replace(found.source, include=tuple(members))
                yield replace(found, path=text, source=source)
                return
    yield whole(root, path)


def _files(root: Path, folder: Path, names: list[str]) -> Found | None:
    pieces = tuple(made for name in names if (made := piece(root, folder / name, name)))
    return Found(pieces[0].path, pieces=pieces) if pieces else None


def _entries(folder: Path) -> tuple[list[str], list[str]]:
    """Names of files and of folders, but for hidden ones and folders that are links."""
    names: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_file():
                    names.append(entry.name)
    except OSError:
        return [], []
    return sorted(names), sorted(folders)
