"""Reading models for their hashes: in slices, so that a kill -9 costs one of them and no more, at a
pace, and with a Ctrl-C that keeps what was read."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event
from types import FrameType

from stackctl.commands.models import hashes
from stackctl.commands.models.hashes import Wrong
from stackctl.commands.models.memory import Memory, Part, Round, numbers
from stackctl.commands.models.shelf import Shelf, now
from stackctl.model import LockedFile
from stackctl.system import idle, sha256
from stackctl.system.hashing import Hashed, Pace, Task, hash_files

#: bytes between two writings of what was done
_SLICE = 4 << 30
_IDLE_SLICE = 1 << 30
#: seconds of a slice at a rate
_SECONDS = 30
_FILES = 4000
#: seconds; `timeout` sends a signal to its child and then to all of its group, the child once more
_TWICE = 1.0


@dataclass
class Terms:
    """How to read: bytes a second, bytes in all, out of everyone's way."""

    rate: int | None = None
    budget: int | None = None
    idle: bool = False
    moved: Callable[[int], None] = lambda _count: None

    @property
    def threads(self) -> int:
        """One where it is not to be fast: it disturbs less, and less is lost when it is stopped."""
        return 1 if self.idle or self.rate else hashes.THREADS

    @property
    def slice(self) -> int:
        usual = _IDLE_SLICE if self.idle else _SLICE
        return min(usual, max(sha256.RANGE, self.rate * _SECONDS)) if self.rate else usual


@dataclass
class Outcome:
    """What came out. `left` was not read to its end."""

    right: dict[str, LockedFile] = field(default_factory=dict)
    wrong: list[Wrong] = field(default_factory=list)
    left: list[LockedFile] = field(default_factory=list)
    read: int = 0
    stopped: bool = False


class Reader:
    """Hashes files of the lock. What was read of a file before its round began does not count."""

    def __init__(
        self, shelf: Shelf, memory: Memory, terms: Terms, within: Round | None = None
    ) -> None:
        self.shelf, self.memory, self.terms, self.within = shelf, memory, terms, within
        self._counting = threading.Lock()
        self.keep = shelf.store.writable
        self.stop = Event()
        self.done = Outcome()

    def read(self, files: Sequence[LockedFile]) -> Outcome:
        pending = list(files)
        with _signals(self.stop):
            while pending and not self.stop.is_set() and self._budget() > 0:
                batch = _batch(pending, self.terms.slice)
                again = self._slice(batch)
                pending = again + pending[len(batch) :]
        self.done.left = pending
        self.done.stopped = self.stop.is_set()
        return self.done

    def _budget(self) -> int:
        left = self.terms.budget
        return self.terms.slice if left is None else min(left - self.done.read, self.terms.slice)

    def _slice(self, batch: Sequence[LockedFile]) -> list[LockedFile]:
        """Read once -> the files that are to go on."""
        tasks = [self._task(file) for file in batch]
        kept = {task.path for task in tasks if self.terms.idle and idle.cached(task.path) < 0.5}
        pace = Pace(self.terms.rate, self._budget(), self._moved, self.stop)
        right: list[LockedFile] = []
        wrong: list[Wrong] = []
        again: list[LockedFile] = []
        for file, found in zip(batch, hash_files(tasks, pace, self.terms.threads), strict=True):
            part = self.memory.parts.pop(file.path, None)
            if found.right:
                self.shelf.store.chains.save(file.digest.hex, found.chain)
                verified = part.begun if part and found.task.begin else now()
                right.append(replace(file, verified=verified, stamp=found.stamp, wrong=""))
            elif not found.hex and not found.problem:
                again.append(file)
                self._remember(file, found, part)
            elif found.hex and found.task.begin and part and not found.bad:
                again.append(file)  # it may be the memory of its first part that is wrong
            else:
                wrong.append(Wrong(file, found))
            if found.task.path in kept:
                idle.forget(found.task.path)
        self.done.right |= {file.path: file for file in right}
        self.done.wrong += wrong
        if self.within:
            self.within.wrong |= {each.file.path: now() for each in wrong}
        if self.keep:
            told = (hashes.told(self.shelf, each) for each in wrong)
            self.shelf.record([*right, *filter(None, told)])
            self.memory.save()
        return again

    def _task(self, file: LockedFile) -> Task:
        part = self.memory.part(file, self.shelf.store.stamp(file.path), self.within)
        task = hashes.task(self.shelf, file)
        if part is None:
            self.memory.parts.pop(file.path, None)
            return task
        if task.chain and not part.plain:
            return replace(task, begin=part.next)
        states = tuple(map(bytes.fromhex, part.states))
        return replace(task, chain=states, begin=min(part.next, len(states)))

    def _remember(self, file: LockedFile, found: Hashed, part: Part | None) -> None:
        """A file that was not read to its end."""
        if found.stamp is None or not (found.next or found.bad):
            return
        begun = part.begun if part and found.task.begin else now()
        made = Part(file.digest.hex, numbers(found.stamp), begun, found.next)
        if found.bad:  # the chain or the file is damaged: only the whole file tells
            made.plain, made.next = True, 0
        elif (part and part.plain) or len(found.chain) == found.next:
            made.plain = bool(part and part.plain)
            made.states = [state.hex() for state in found.chain]
        self.memory.parts[file.path] = made

    def _moved(self, count: int) -> None:
        with self._counting:
            self.done.read += count
        self.terms.moved(count)


def _batch(pending: Sequence[LockedFile], least: int) -> list[LockedFile]:
    batch: list[LockedFile] = []
    total = 0
    for file in pending[:_FILES]:
        batch.append(file)
        total += file.size
        if total >= least:
            break
    return batch


@contextmanager
def _signals(stop: Event) -> Iterator[None]:
    """The first Ctrl-C (or SIGTERM, as `timeout` sends) ends reading in order, a second at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    since = time.monotonic()

    def once(number: int, _frame: FrameType | None) -> None:
        nonlocal since
        if not stop.is_set():
            since = time.monotonic()
        elif time.monotonic() - since > _TWICE:
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, once) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
