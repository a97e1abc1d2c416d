"""Hashing what is on the disk against the lock."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from stackctl.commands.models.shelf import Shelf, now
from stackctl.model import Algorithm, LockedFile
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
    tasks = [_task(shelf, file) for file in chosen]
    total = sum(file.size for file in chosen)
    with progress("checking", total) as bar:
        pace = pace or Pace()
        pace.told = lambda count: bar.advance("checking", count, total)
        for found in hash_files(tasks, pace, THREADS):
            file = by_path[found.task.path]
            if found.right:
                shelf.store.chains.save(file.digest.hex, found.chain)
                right.append(replace(file, verified=now(), stamp=found.stamp, wrong=""))
            else:
                wrong.append(Wrong(file, found))
    shelf.record([*right, *(_told(each) for each in wrong)])
    return tuple(right), tuple(wrong)


def report(wrong: Sequence[Wrong]) -> None:
    for each in wrong:
        terminal.out(f"{each.file.path}: {each.text}; it will be fetched again")


def _task(shelf: Shelf, file: LockedFile) -> Task:
    chain: tuple[bytes, ...] = ()
    if file.digest.algorithm is Algorithm.SHA256:
        chain = shelf.store.chains.load(file.digest.hex, file.size)
    return Task(shelf.path(file), file.digest, chain)


def _told(each: Wrong) -> LockedFile:
    """What the lock keeps of a file that is wrong."""
    return replace(each.file, stamp=each.found.stamp, wrong=each.found.hex or "unreadable")
