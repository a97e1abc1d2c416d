"""Structure of weight files, read from their headers: is all there that the header promises?

Costs milliseconds whatever the size of the file. It finds a broken download, a web page saved as
a model, a Git LFS pointer and holes; it does not find wrong bytes, only a hash does.
Formats: GGUF 3 (ggml's docs/gguf.md), safetensors (its README), legacy ggml of whisper.cpp.
"""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import BinaryIO

from stackctl.models.gguf import BadHeader, needed_bytes

_GGUF = b"GGUF"
_GGML = 0x67676D6C
_LFS = b"version https://git-lfs.github.com/spec/"
#: safetensors refuses larger headers
_LONGEST_HEADER = 100_000_000
#: a hole is found by the file system's block; smaller runs of zeros are ordinary
_SMALLEST_HOLE = 1 << 16


def scan(path: Path) -> tuple[str, ...]:
    """What is wrong with a weight file, or with those of a folder; () if nothing is seen."""
    try:
        if path.is_dir():
            return _folder(path)
        if "manifests" in path.parts:
            return _ollama(path)
        with path.open("rb") as file:
            return _file(file, path.name)
    except PermissionError:
        return ()  # not ours to read, so not ours to judge; the engine may be another user
    except OSError as error:
        return (f"{path.name}: cannot be read: {error.strerror}",)


def _folder(path: Path) -> tuple[str, ...]:
    problems: list[str] = []
    for index in sorted(path.rglob("*.safetensors.index.json")):
        problems += _index(index)
    for file in sorted([*path.rglob("*.safetensors"), *path.rglob("*.gguf")]):
        problems += scan(file)
    partial = sorted(path.rglob("*.incomplete"))
    problems += [f"{file.name}: a download that was broken off" for file in partial]
    return tuple(problems)


def _ollama(manifest: Path) -> tuple[str, ...]:
    """The blobs that a manifest of Ollama's store names. Their hash is their name."""
    try:
        layers = [
            (str(layer["digest"]), int(layer["size"]), str(layer.get("mediaType", "")))
            for layer in json.loads(manifest.read_text(encoding="utf-8"))["layers"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return (f"{manifest.name}: not a manifest",)
    store = Path(*manifest.parts[: manifest.parts.index("manifests")])
    problems: list[str] = []
    for digest, size, kind in layers:
        blob = store / "blobs" / digest.replace(":", "-")
        if not blob.exists():
            problems.append(f"{blob.name}: named by {manifest.name}, but not there")
        elif blob.stat().st_size != size:
            problems.append(f"{blob.name}: {blob.stat().st_size} bytes, not {size}")
        elif kind.endswith("image.model"):
            with blob.open("rb") as file:
                problems += _file(file, f"{blob.name}.gguf")
    return tuple(problems)


def _index(path: Path) -> list[str]:
    try:
        shards = set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError):
        return [f"{path.name}: not a safetensors index"]
    missing = sorted(str(name) for name in shards if not (path.parent / str(name)).exists())
    return [f"{name}: named by {path.name}, but not there" for name in missing]


def _file(file: BinaryIO, name: str) -> tuple[str, ...]:
    size = os.fstat(file.fileno()).st_size
    head = file.read(64)
    if not head:
        return (f"{name}: empty",)
    if head.startswith(_LFS):
        return (f"{name}: a Git LFS pointer, not the file itself",)
    if head.lstrip().lower().startswith((b"<!doctype", b"<html")):
        return (f"{name}: a web page, not a model",)
    file.seek(0)
    if name.endswith(".gguf"):
        problem = _gguf(file, size)
    elif name.endswith(".safetensors"):
        problem = _safetensors(file, size)
    elif name.endswith(".bin") and name.startswith("ggml"):
        known = struct.unpack("<I", head[:4].ljust(4, b"\0"))[0] == _GGML
        problem = "" if known else "not a ggml file: its first bytes are wrong"
    else:
        problem = ""
    hole = _hole(file, size)
    return tuple(f"{name}: {text}" for text in (problem, hole) if text)


def _safetensors(file: BinaryIO, size: int) -> str:
    raw = file.read(8)
    if len(raw) < 8:
        return "shorter than a header"
    (length,) = struct.unpack("<Q", raw)
    if length > _LONGEST_HEADER or 8 + length > size:
        return "its header is longer than the file: broken off, or not safetensors"
    try:
        header = json.loads(file.read(length))
        ends = [entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"]
        needed = 8 + length + max(map(int, ends), default=0)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        return "its header is damaged"
    return "" if needed == size else f"{size} bytes, its header promises {needed}"


def _gguf(file: BinaryIO, size: int) -> str:
    if file.read(4) != _GGUF:
        return "not a GGUF file: its first bytes are wrong"
    try:
        needed = needed_bytes(file)
    except BadHeader as error:
        return f"its header is damaged: {error}"
    return "" if needed <= size else f"{size} bytes, its header promises {needed}"


def _hole(file: BinaryIO, size: int) -> str:
    """A sparse stretch inside: what a preallocated download leaves when it breaks off."""
    try:
        begin = os.lseek(file.fileno(), 0, os.SEEK_HOLE)
    except OSError:
        return ""  # a file system that does not tell
    try:
        end = os.lseek(file.fileno(), begin, os.SEEK_DATA)
    except OSError:
        end = size  # no data behind it
    missing = end - begin
    if missing < _SMALLEST_HOLE:
        return ""
    return f"{missing} bytes from {begin} on were never written"
