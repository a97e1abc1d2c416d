"""What is wrong with locked files, and how little of each has to be fetched again."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stackctl.commands.models import fetch, hashes, publisher
from stackctl.commands.models.shelf import Shelf
from stackctl.model import Algorithm, LockedFile, LockedModel, StackError, Stamp
from stackctl.models.formats import structure
from stackctl.models.state import State, judge, unreadable
from stackctl.system.durable import fault
from stackctl.system.progress import size
from stackctl.system.sha256 import RANGE, ranges
from stackctl.system.transfer.seed import give_back, good_ranges, seed


@dataclass(frozen=True, slots=True)
class Damage:
    """One file of the lock: what is wrong with it, as it was `seen`, and which of its ranges are
    right. Without any the whole has to be fetched."""

    model: LockedModel
    file: LockedFile
    text: str
    seen: Stamp | None = None
    good: tuple[int, ...] = ()

    @property
    def stated(self) -> bool:
        return publisher.vouches(self.model)

    @property
    def to_fetch(self) -> int:
        """Bytes."""
        good = sum(min(RANGE, self.file.size - index * RANGE) for index in self.good)
        return self.file.size - good

    @property
    def how(self) -> str:
        """What is to be fetched, for people."""
        if not self.stated:
            return "nobody to ask"
        if not self.good:
            return f"all, {size(self.file.size)}"
        count = ranges(self.file.size)
        return f"{count - len(self.good)} of {count} ranges, {size(self.to_fetch)}"


def find(shelf: Shelf, models: Sequence[LockedModel]) -> tuple[Damage, ...]:
    """Everything that is wrong, after a hash of whatever is not sure. One file of several models
    is told once, of a model that somebody publishes if there is one."""
    owners: dict[str, tuple[LockedModel, LockedFile]] = {}
    for model in sorted(models, key=publisher.vouches):
        owners |= {file.path: (model, file) for file in model.files}
    stamps = {path: shelf.store.stamp(path) for path in owners}
    states = {path: judge(file, stamps[path]) for path, (_, file) in owners.items()}
    unsure = [owners[path][1] for path, state in states.items() if state is State.UNSURE]
    known = [
        file
        for path, (_, file) in owners.items()
        if states[path] is State.BAD and has_chain(shelf, file)
    ]
    right, wrong = hashes.check(shelf, [*unsure, *known])
    good = {file.path for file in right}
    told = {each.file.path: each for each in wrong}
    found = []
    for path, (model, file) in owners.items():
        if states[path] is State.GOOD or path in good:
            continue
        if states[path] is State.UNSURE and path not in told:
            continue  # hashing was stopped
        found.append(_damage(shelf, model, file, stamps[path], told.get(path)))
    return tuple(found)


def of(model: LockedModel, wrong: hashes.Wrong, text: str = "") -> Damage:
    """A file whose hash was just taken and is wrong."""
    found = wrong.found
    if found.problem or not found.bad or found.stamp is None:
        return Damage(model, wrong.file, text, found.stamp)
    good = good_ranges(wrong.file.size, found.stamp, found.bad)
    return Damage(model, wrong.file, text, found.stamp, good)


def begin(shelf: Shelf, damage: Damage) -> bool:
    """Let what is right of a file be the beginning of the new one."""
    if not damage.good or damage.seen is None:
        return False
    file = damage.file
    chain = shelf.store.chains.load(file.digest.hex, file.size)
    part = fetch.part_of(shelf, file)
    return seed(shelf.path(file), damage.seen, part, file.size, chain, damage.good)


def undo(shelf: Shelf, file: LockedFile) -> None:
    """What was begun has failed: an engine that starts now finds what it found before."""
    if give_back(fetch.part_of(shelf, file), shelf.path(file)):
        # what stat says of it is new, and it is as wrong as before
        shelf.record([replace(file, stamp=shelf.store.stamp(file.path))])


def has_chain(shelf: Shelf, file: LockedFile) -> bool:
    """Whether single ranges of a file can be compared."""
    if file.digest.algorithm is not Algorithm.SHA256 or unreadable(file):
        return False
    return bool(shelf.store.chains.load(file.digest.hex, file.size))


def _damage(
    shelf: Shelf,
    model: LockedModel,
    file: LockedFile,
    stamp: Stamp | None,
    wrong: hashes.Wrong | None,
) -> Damage:
    path = shelf.path(file)
    if stamp is None:
        part = fetch.begun(shelf, [file])
        half = f", {size(part)} of it came before a download broke off" if part else ""
        return Damage(model, file, f"missing{half}")
    if wrong is not None:
        check_readable(shelf, wrong)
    text = wrong.text if wrong else f"its {file.digest.algorithm} was wrong when it was last taken"
    if stamp.size != file.size:
        text = f"{stamp.size} bytes, not {file.size}"
    if problems := structure(path, Path(file.origin or file.path).name):
        text += f" ({problems[0]})"
    return of(model, wrong, text) if wrong else Damage(model, file, text, stamp)


def check_readable(shelf: Shelf, wrong: hashes.Wrong) -> None:
    """What says nothing of the file's content is no reason to fetch it again."""
    path = shelf.path(wrong.file)
    if hashes.moving(wrong):
        raise StackError(f"{path}: somebody is writing it right now", fix="try again when it ended")
    if hashes.forbidden(shelf, wrong):
        raise fault(PermissionError(errno.EACCES, ""), path)
