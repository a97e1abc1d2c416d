"""A folder with a model in it, or with many."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePath

from stackctl.models.formats import disk, shards
from stackctl.models.formats.file import Examined, examine, is_judged, is_weights

_DEEPEST = 12
#: what a download puts behind the name of a file that it has not finished
_UNFINISHED = (".incomplete", ".part", ".partial", ".crdownload", ".download")
#: aria2 writes into the file itself, and keeps this beside it until it is done
_CONTROL = ".aria2"
_LONGEST_REF = 256
#: files that hold a vocabulary, by a part of their name, and those that do not for all that
_TOKENIZERS = ("token", "vocab", "tekken", "merges", "spiece", "sentencepiece", ".model", ".py")
_NO_TOKENIZERS = {"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"}
_LANGUAGE_MODEL = "ForCausalLM"


def problems(top: Path) -> Iterator[str]:
    """What is wrong with the files below a folder, and what is missing. Raises OSError."""
    tops = _snapshots(top)
    if tops is None:
        tops = [top]
    elif not tops:
        yield f"{disk.shown(top.name)}: no snapshot in it"
    for root in tops:
        os.listdir(root)
        for inside, names in _walk(root, set(), _DEEPEST):
            yield from _one(root, inside, names)


def _snapshots(path: Path) -> list[Path] | None:
    """A model in the Hub's cache: the folder that `main` refers to, else all; None for others."""
    root = path.parent if path.name == "snapshots" else path
    folder = root / "snapshots"
    if not root.name.startswith("models--") or not folder.is_dir():
        return None
    try:
        file = disk.open_regular(root / "refs" / "main")
        if file is not None:
            with file:
                commit = file.read(_LONGEST_REF).decode().strip()
            if commit and "/" not in commit and (folder / commit).is_dir():
                return [folder / commit]
    except (OSError, ValueError):
        pass  # downloaded by its commit alone
    return sorted(entry for entry in folder.iterdir() if entry.is_dir())


def _walk(
    folder: Path, seen: set[tuple[int, int]], deepest: int
) -> Iterator[tuple[Path, list[str]]]:
    """Every folder with the names of its files. Hidden ones are the tools' own."""
    names: list[str] = []
    folders: list[str] = []
    try:
        about = folder.stat()
        # a link may lead back
        if deepest < 0 or (about.st_dev, about.st_ino) in seen:
            return
        seen.add((about.st_dev, about.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith("."):
                    (folders if _is_folder(entry) else names).append(entry.name)
    except OSError:
        return  # not ours to read, or gone meanwhile
    yield folder, sorted(names)
    for name in sorted(folders):
        inner = _snapshots(folder / name)
        for below in [folder / name] if inner is None else inner:
            yield from _walk(below, seen, deepest - 1)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link in a circle


def _one(root: Path, folder: Path, names: list[str]) -> Iterator[str]:
    """One folder, its subfolders aside. What is in `root` itself is named without a path."""
    within = "" if folder == root else f"{folder.relative_to(root)}/"
    examined = {name: examine(folder / name, within + name) for name in names if is_judged(name)}
    for look in examined.values():
        yield from look.problems
    found = [
        *shards.problems(folder, names, examined, needed=not within),
        *_unfinished(folder, names),
        *(() if within else _tokenizer(names, examined)),
    ]
    yield from (disk.shown(within) + text for text in found)


def _unfinished(folder: Path, names: Iterable[str]) -> Iterator[str]:
    """Downloads that were broken off. What was then got in another way is no matter."""
    for name in names:
        path = PurePath(name)
        if path.suffix in _UNFINISHED and not disk.exists(folder / path.stem):
            yield f"{disk.shown(name)}: a download that was broken off"
        elif path.suffix == _CONTROL and is_judged(path.stem):
            file = disk.shown(path.stem)
            yield f"{file}: aria2 has not finished it, {file}{_CONTROL} is still there"


def _tokenizer(names: list[str], examined: Mapping[str, Examined]) -> Iterator[str]:
    """A language model without its vocabulary."""
    config = examined["config.json"].content if "config.json" in examined else None
    architectures = config.get("architectures") if isinstance(config, dict) else None
    if not isinstance(architectures, list) or not any(map(is_weights, names)):
        return
    if not any(str(name).endswith(_LANGUAGE_MODEL) for name in architectures):
        return
    candidates = [name.lower() for name in names if name not in _NO_TOKENIZERS]
    if any(name.endswith(".gguf") for name in candidates):
        return  # it has its vocabulary inside
    if not any(part in name for name in candidates for part in _TOKENIZERS):
        yield "tokenizer.json: not there, nor any other vocabulary"
