"""Ollama's store: manifests/<host>/<namespace>/<model>/<tag> name blobs by their SHA-256.

The daemon is not asked: its store says all, and what is said of a blob is its name.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stackctl.model import Algorithm, Digest, Kind, StackError
from stackctl.models import source as sources
from stackctl.models.adoption.found import Found, Piece, piece, relative

_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_LONGEST = 1 << 20
_DEPTH = 4  # host, namespace, model, tag


def is_store(folder: Path) -> bool:
    return (folder / "manifests").is_dir() and (folder / "blobs").is_dir()


def store_of(manifest: Path) -> Path | None:
    """The store that a path would be a manifest of."""
    if len(manifest.parents) < _DEPTH:
        return None
    top = manifest.parents[_DEPTH - 1]
    return top.parent if top.name == "manifests" and is_store(top.parent) else None


def manifests(store: Path) -> list[Path]:
    # the tools of some systems put hidden files of their own into every folder
    found = sorted((store / "manifests").glob("/".join("*" * _DEPTH)))
    return [path for path in found if path.is_file() and not path.name.startswith(".")]


def blobs(manifest: Path) -> dict[str, int]:
    """The SHA-256 of every blob that a manifest names -> its size. Raises ValueError."""
    try:
        with manifest.open("rb") as file:
            content: dict[str, Any] = json.loads(file.read(_LONGEST))
        config = content.get("config") or {}
        layers = [*content["layers"], *([config] if config.get("digest") else [])]
        found = {}
        for layer in layers:
            match = _DIGEST.fullmatch(layer["digest"])
            if not match or type(layer["size"]) is not int or layer["size"] < 0:
                raise ValueError("a layer without a hash or a size")
            found[match[1]] = layer["size"]
    except (OSError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    return found


def models(root: Path, store: Path) -> Iterator[Found]:
    for path in manifests(store):
        if found := model(root, store, path):
            yield found


def model(root: Path, store: Path, manifest: Path) -> Found | None:
    """One manifest with its blobs; None if it is none."""
    origin = relative(store, manifest)
    host, namespace, name, tag = manifest.parts[-_DEPTH:]
    try:
        named = blobs(manifest)
        source = sources.parse(f"{Kind.OLLAMA}:{host}/{namespace}/{name}:{tag}")
        revision = hashlib.sha256(manifest.read_bytes()).hexdigest()
    except (ValueError, OSError, StackError):
        return None
    head = piece(root, manifest, origin, Digest(Algorithm.SHA256, revision))
    if head is None:
        return None
    pieces = [head]
    for digest, size in named.items():
        there = (store / "blobs" / f"sha256-{digest}").is_file()
        path = f"blobs/sha256-{digest}"
        pieces.append(
            Piece(relative(root, store / path), path, size, Digest(Algorithm.SHA256, digest), there)
        )
    return Found(relative(root, manifest), source, revision, tuple(pieces), "its manifest")


def is_blob(name: str) -> bool:
    """Whether a file of blobs/ is a whole blob; what is being pulled has another name."""
    return bool(_DIGEST.fullmatch(name))
