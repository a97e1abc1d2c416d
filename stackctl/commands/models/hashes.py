"""Hashing what is on the disk against the lock."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from stackctl.commands.models.shelf import Shelf, now
from stackctl.model import Algorithm, LockedFile
from stackctl.models.state import no_hash
from stackctl.system import terminal
from stackctl.system.hashing import Hashed, Pace, Task, hash_files
from stackctl.system.progress import progress

#: hashing is faster than most disks from two cores on; more would take them from the engines
THREADS = min(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Wrong:
    """A file that is not what it should be: another hash, or it cannot be read."""

    file: LockedFile
    found: Hashed

    @property
    def text(self) -> str:
        if self.found.problem:
            return self.found.problem
        wanted = self.file.digest
        return f"its {wanted.algorithm} is {self.found.hex[:16]}, not {wanted.hex[:16]}"


def check(
    shelf: Shelf, chosen: Sequence[LockedFile], pace: Pace | None = None
) -> tuple[tuple[LockedFile, ...], tuple[Wrong, ...]]:
    """Hash files -> those that are right, as they are to be locked now, and those that are not."""
    right: list[LockedFile] = []
    wrong: list[Wrong] = []
    if not chosen:
        return (), ()
    by_path = {shelf.path(file): file for file in chosen}
    tasks = [task(shelf, file) for file in chosen]
    total = sum(file.size for file in chosen)
    with progress("checking", total) as bar:
        pace = pace or Pace()
        pace.told = lambda count: bar.advance("checking", count, total)
        for found in hash_files(tasks, pace, THREADS):
            file = by_path[found.task.path]
            if found.right:
                shelf.store.chains.save(file.digest.hex, found.chain)
                right.append(replace(file, verified=now(), stamp=found.stamp, wrong=""))
            elif found.hex or found.problem:  # else the pace ended before the file did
                wrong.append(Wrong(file, found))
    shelf.record([*right, *filter(None, (told(shelf, each) for each in wrong))])
    return tuple(right), tuple(wrong)


def report(wrong: Sequence[Wrong]) -> None:
    for each in wrong:
        terminal.out(f"{each.file.path}: {each.text}; it will be fetched again")


def task(shelf: Shelf, file: LockedFile) -> Task:
    chain: tuple[bytes, ...] = ()
    if file.digest.algorithm is Algorithm.SHA256:
        chain = shelf.store.chains.load(file.digest.hex, file.size)
    return Task(shelf.path(file), file.digest, chain)


def forbidden(shelf: Shelf, each: Wrong) -> bool:
    """Whether a file could not be read because we may not: that says nothing of the file."""
    path = shelf.path(each.file)
    return bool(each.found.problem) and path.exists() and not os.access(path, os.R_OK)


def moving(each: Wrong) -> bool:
    """Whether somebody was writing the file."""
    return "while it was read" in each.found.problem


def told(shelf: Shelf, each: Wrong) -> LockedFile | None:
    """What the lock keeps of a file that is wrong; None if nothing is known of its content."""
    if forbidden(shelf, each) or moving(each):
        return None
    stamp = each.found.stamp or shelf.store.stamp(each.file.path)
    return replace(each.file, stamp=stamp, wrong=each.found.hex or no_hash(each.file))
