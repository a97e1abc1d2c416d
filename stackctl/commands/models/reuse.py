"""Contents that are here already under another name: not fetched again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace

from stackctl.commands.models import hashes
from stackctl.commands.models.shelf import Shelf
from stackctl.model import Digest, LockedFile
from stackctl.models.state import State, judge
from stackctl.system.durable import replace_file, sync_folder

#: a large file gets a second name, a small one is copied: those are the ones that people edit
_SMALL = 4 << 20


def known(shelf: Shelf, wanted: Iterable[LockedFile]) -> set[Digest]:
    """Of the contents that are wanted, those that seem to be here under another path."""
    good, unsure = _found(shelf, wanted)
    return {*good, *unsure}


def held(shelf: Shelf, wanted: Iterable[LockedFile]) -> dict[Digest, LockedFile]:
    """Those that surely are."""
    good, unsure = _found(shelf, wanted)
    right, _ = hashes.check(shelf, [f for d, f in unsure.items() if d not in good])
    return good | {file.digest: file for file in right}


def _found(
    shelf: Shelf, wanted: Iterable[LockedFile]
) -> tuple[dict[Digest, LockedFile], dict[Digest, LockedFile]]:
    targets = {(file.path, file.digest) for file in wanted}
    digests = {digest for _, digest in targets}
    good: dict[Digest, LockedFile] = {}
    unsure: dict[Digest, LockedFile] = {}
    for model in shelf.models:
        for file in model.files:
            if file.digest not in digests or (file.path, file.digest) in targets:
                continue
            state = judge(file, shelf.store.stamp(file.path))
            if state is State.GOOD:
                good[file.digest] = file
            elif state is State.UNSURE:
                unsure[file.digest] = file
    return good, unsure


def take(
    shelf: Shelf, wanted: Sequence[LockedFile], have: dict[Digest, LockedFile]
) -> tuple[LockedFile, ...]:
    """Give files the content that others have -> those where that went well, as to be locked."""
    linked: list[tuple[LockedFile, LockedFile]] = []
    copied: list[LockedFile] = []
    for file in wanted:
        if (source := have.get(file.digest)) is None or source.path == file.path:
            continue
        try:
            if file.size > _SMALL:
                _link(shelf, source, file)
                linked.append((source, file))
            else:
                _copy(shelf, source, file)
                copied.append(file)
        except OSError:
            continue  # then it is fetched
    made = []
    for source, file in linked:  # a second name changes what stat says of the first
        have[source.digest] = replace(source, stamp=shelf.store.stamp(source.path))
        stamp = shelf.store.stamp(file.path)
        made.append(replace(file, verified=source.verified, stamp=stamp, wrong=""))
    shelf.record([*(have[source.digest] for source, _ in linked), *made])
    right, _ = hashes.check(shelf, copied)
    return (*made, *right)


def _link(shelf: Shelf, source: LockedFile, file: LockedFile) -> None:
    target = shelf.path(file)
    shelf.store.make(target.parent)
    draft = shelf.store.make(shelf.store.parts) / _draft(file)
    with suppress(FileNotFoundError):
        draft.unlink()
    os.link(shelf.path(source).resolve(), draft)
    draft.replace(target)
    sync_folder(target.parent)


def _copy(shelf: Shelf, source: LockedFile, file: LockedFile) -> None:
    target = shelf.path(file)
    shelf.store.make(target.parent)
    draft = shelf.store.make(shelf.store.parts) / _draft(file)
    replace_file(target, shelf.path(source).read_bytes(), draft)


def _draft(file: LockedFile) -> str:
    return f"{file.digest.algorithm}-{file.digest.hex}.{os.getpid()}.link"
