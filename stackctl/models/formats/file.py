"""One file of a model, judged by itself."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from stackctl.models import gguf
from stackctl.models.formats import disk, documents, ggml, safetensors

_WEIGHTS = {
    ".safetensors", ".gguf", ".bin", ".pt", ".pth", ".ckpt", ".onnx", ".engine", ".h5", ".msgpack",
    ".npz", ".nemo",
}  # fmt: skip
_VOCABULARY = {".model", ".tiktoken"}
_VOCABULARIES = {"merges.txt", "vocab.txt"}
_LFS = b"version https://git-lfs.github.com/spec/"
#: names of tensors can be of any length
_LONGEST = 300
_PAGES = (b"<!doctype", b"<html", b"<?xml")


@dataclass(frozen=True, slots=True)
class Examined:
    """What one look at a file gave: what is wrong, and what its neighbours are measured by."""

    problems: tuple[str, ...] = ()
    #: of a safetensors file; None if it could not be looked into
    tensors: frozenset[str] | None = None
    #: of a small JSON file
    content: Any = None


def structure(path: Path, name: str = "") -> tuple[str, ...]:
    """What is wrong with one file; `name` is the one it will have, if that is not its own yet.

    Never raises for what is on the disk.
    """
    return examine(path, name or path.name).problems


def is_weights(name: str) -> bool:
    return PurePath(name).suffix.lower() in _WEIGHTS


def is_judged(name: str) -> bool:
    base = PurePath(name).name
    return (
        is_weights(base)
        or documents.is_document(base)
        or PurePath(base).suffix in _VOCABULARY
        or base in _VOCABULARIES
    )


def examine(path: Path, name: str) -> Examined:
    """Judge the file at `path` as one that is called `name`; say that name."""
    if not is_judged(name):
        return Examined()
    try:
        file = disk.open_regular(path)
        if file is None:
            return Examined()
        with file:
            texts, tensors, content = _look(file, PurePath(name).name)
    except OSError as error:
        texts, tensors, content = [disk.trouble(error)], None, None
    shown = disk.shown(name)
    return Examined(
        tuple(f"{shown}: {disk.shown(text[:_LONGEST])}" for text in texts if text), tensors, content
    )


def _look(file: BinaryIO, name: str) -> tuple[list[str], frozenset[str] | None, Any]:
    size = os.fstat(file.fileno()).st_size
    head = file.read(64)
    impostor = _impostor(head)
    if impostor:
        return [impostor], None, None
    file.seek(0)
    tensors: frozenset[str] | None = None
    content = None
    suffix = PurePath(name).suffix.lower()
    if suffix == ".safetensors":
        problem, tensors = safetensors.examine(file, size)
    elif suffix == ".gguf":
        problem = gguf.examine(file, size)
    elif documents.is_document(name):
        problem, content = documents.examine(file, size, name)
    elif head.startswith(ggml.MAGIC):
        problem = ggml.examine(file, size)
    elif suffix == ".bin" and name.startswith("ggml"):
        problem = "not a ggml file: its first bytes are wrong"
    elif head.startswith(b"PK\3\4") and not _has_directory(file):
        problem = "it is cut off: a zip file, and its directory is missing at the end"
    else:
        problem = ""
    return [problem, disk.hole(file)], tensors, content


def _has_directory(file: BinaryIO) -> bool:
    """Whether a zip file, as PyTorch writes it, has its end."""
    try:
        return zipfile.is_zipfile(file)
    except zipfile.BadZipFile:
        return False


def _impostor(head: bytes) -> str:
    if not head:
        return "empty"
    if head.startswith(_LFS):
        return "a Git LFS pointer, not the file itself"
    if head.lstrip().lower().startswith(_PAGES):
        return "a web page, not a model"
    return ""
