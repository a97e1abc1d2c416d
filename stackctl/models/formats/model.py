"""A model as an engine is given it: one file, a folder, a manifest of Ollama's store."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stackctl.models.formats import disk, folder, shards
from stackctl.models.formats.file import is_weights, structure

#: a manifest has some hundred bytes
_LONGEST_MANIFEST = 1 << 20
_GGUF_LAYERS = ("image.model", "image.projector")


def scan(path: Path) -> tuple[str, ...]:
    """What is wrong with a model; () if nothing is seen. Never raises for what is on the disk."""
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            return tuple(folder.problems(path))
        if "manifests" in path.parts and not is_weights(path.name):
            return tuple(_ollama(path))
        return tuple(_file(path))
    except OSError as error:
        problem = disk.trouble(error)
    except ValueError:  # a name that no file can have
        problem = "cannot be read: no such name"
    return (f"{disk.shown(path.name)}: {problem}",) if problem else ()


def _file(path: Path) -> Iterator[str]:
    """A file, with the others of its set: llama.cpp is given the first and loads all."""
    names = []
    if path.name.endswith(".gguf"):
        try:
            names = shards.members(path.name, os.listdir(path.parent))
        except OSError:
            names = []
    for name in names or [path.name]:
        yield from structure(path.with_name(name))
    yield from shards.incomplete_sets(names)


def _ollama(manifest: Path) -> Iterator[str]:
    """The blobs that a manifest of Ollama's store names. Their hash is their name."""
    try:
        blobs = list(_blobs(_read(manifest)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        yield f"{disk.shown(manifest.name)}: not a manifest"
        return
    parts = manifest.parts
    store = Path(*parts[: len(parts) - 1 - parts[::-1].index("manifests")]) / "blobs"
    for digest, size, kind in blobs:
        name = digest.replace(":", "-")
        # a digest with a slash would lead out of the store
        blob = store / Path(name).name
        try:
            found = blob.stat().st_size
        except FileNotFoundError:
            yield f"{disk.shown(name)}: named by {disk.shown(manifest.name)}, but not there"
            continue
        except (OSError, ValueError):
            continue
        if found != size:
            yield f"{disk.shown(name)}: {found} bytes, not {size}"
        elif kind.endswith(_GGUF_LAYERS):
            yield from structure(blob, f"{name}.gguf")


def _read(manifest: Path) -> Any:
    file = disk.open_regular(manifest)
    if file is None:
        raise ValueError
    with file:
        return json.loads(file.read(_LONGEST_MANIFEST))


def _blobs(content: Any) -> Iterator[tuple[str, int, str]]:
    config = content.get("config") or {}
    for layer in [*content["layers"], *([config] if config.get("digest") else [])]:
        yield str(layer["digest"]), int(layer["size"]), str(layer.get("mediaType", ""))
