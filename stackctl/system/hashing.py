"""Hashes of files on the disk, several at once, and of one large file in ranges where its chain is
known (sha256.py). Reading stops and goes on at the border of a range.

Plain reads and not mmap: a bad sector is then an error that can be told, and not a SIGBUS.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event, Lock

from stackctl.model import Algorithm, Digest, Stamp
from stackctl.system import sha256
from stackctl.system.sha256 import INITIAL, Chained, ranges

#: bytes of one read; the buffer stays in the core's cache
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Task:
    """A file to hash. `chain` holds the states after its first full ranges, as far as they are
    known, `begin` the first range that is to be read (those before it were read earlier)."""

    path: Path
    digest: Digest
    chain: tuple[bytes, ...] = ()
    begin: int = 0


@dataclass(frozen=True, slots=True)
class Hashed:
    """What came out. `hex` is empty if reading stopped before the end, at range `next`; `problem`
    is why the file could not be read; `bad` are the ranges that differ from the known chain."""

    task: Task
    stamp: Stamp | None
    hex: str = ""
    chain: tuple[bytes, ...] = ()
    bad: tuple[int, ...] = ()
    next: int = 0
    problem: str = ""

    @property
    def right(self) -> bool:
        return self.hex == self.task.digest.hex


@dataclass
class Pace:
    """How fast and how much may be read, over all threads: bytes a second, bytes in all."""

    rate: float | None = None
    budget: int | None = None
    told: Callable[[int], None] = lambda _bytes: None
    stop: Event = field(default_factory=Event)
    _spent: int = 0
    _left: bool = False
    _free_at: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def spend(self, count: int) -> None:
        """Say that `count` bytes were read; sleeps as long as the rate asks for."""
        pause = 0.0
        with self._lock:
            self._spent += count
            if self.rate:
                now = time.monotonic()
                self._free_at = max(self._free_at, now) + count / self.rate
                pause = self._free_at - now
        self.told(count)
        if pause > 0:
            self.stop.wait(pause)

    def leave(self) -> None:
        """Nobody waits for the results any more; `stop` is not ours to set."""
        self._left = True

    @property
    def stopped(self) -> bool:
        """Whether to end at once."""
        return self._left or self.stop.is_set()

    @property
    def over(self) -> bool:
        """Whether to end at the next border."""
        return self.stopped or (self.budget is not None and self._spent >= self.budget)


def stamp_of(stat: os.stat_result) -> Stamp:
    return Stamp(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


def hash_files(tasks: Sequence[Task], pace: Pace, threads: int) -> Iterator[Hashed]:
    """Hash all files; results in the order of the tasks, each as soon as it is known."""
    pool = ThreadPoolExecutor(max(1, threads))
    try:
        under_way = [_submit(pool, task, pace) for task in tasks]
        for task, parts in under_way:
            yield _joined(task, [part.result() for part in parts], pace)
    except BaseException:
        pace.leave()
        raise
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """What reading one or more ranges in a row gave: states after each, or the end."""

    begin: int
    next: int
    states: tuple[bytes, ...] = ()
    hex: str = ""
    before: Stamp | None = None
    after: Stamp | None = None
    problem: str = ""


def _submit(
    pool: ThreadPoolExecutor, task: Task, pace: Pace
) -> tuple[Task, list[Future[_Stretch]]]:
    """One piece of work for a file, or one a range where its chain is whole."""
    if task.digest.algorithm is Algorithm.GIT_SHA1:
        return task, [pool.submit(_git, task, pace)]
    try:
        count = ranges(task.path.stat().st_size)
    except OSError:
        count = 1  # told by whoever opens it
    if not task.begin < count or task.begin > len(task.chain):
        task = replace(task, begin=0)  # not the file it was
    if len(task.chain) < count - 1:
        return task, [pool.submit(_read, task, pace, task.begin, None)]
    return task, [pool.submit(_read, task, pace, i, i + 1) for i in range(task.begin, count)]


def _joined(task: Task, parts: Sequence[_Stretch], pace: Pace) -> Hashed:
    problem = next((part.problem for part in parts if part.problem), "")
    stamps = {stamp for part in parts for stamp in (part.before, part.after) if stamp}
    if not problem and len(stamps) > 1:
        problem = "changed while it was read"
    stamp = parts[-1].after
    if problem:
        return Hashed(task, stamp, problem=problem, bad=_bad(task, parts))
    gap = next((p for p in parts if p.next == p.begin or not (p.states or p.hex)), None)
    if bad := _bad(task, parts):
        return _again(task, stamp, bad, pace)
    if gap is not None or not parts[-1].hex:
        chain = task.chain if len(parts) > 1 else (*task.chain[: task.begin], *parts[0].states)
        return Hashed(task, stamp, chain=chain, next=gap.begin if gap else parts[-1].next)
    states = tuple(state for part in parts for state in part.states)
    chain = (*task.chain[: task.begin], *states)
    return Hashed(task, stamp, hex=parts[-1].hex, chain=chain, next=parts[-1].next)


def _bad(task: Task, parts: Sequence[_Stretch]) -> tuple[int, ...]:
    """Ranges after which another state came out than the chain says."""
    if len(parts) == 1:
        return ()
    return tuple(
        part.begin
        for part in parts
        if part.problem
        or (part.hex and part.hex != task.digest.hex)
        or any(
            state != known
            for state, known in zip(part.states, task.chain[part.begin :], strict=False)
        )
    )


def _again(task: Task, stamp: Stamp | None, bad: tuple[int, ...], pace: Pace) -> Hashed:
    """It may be the chain that is damaged, and not the file: read it whole, without it."""
    whole = _read(Task(task.path, task.digest), pace, 0, None)
    if whole.problem or not whole.hex:
        return Hashed(task, stamp, bad=bad, next=bad[0], problem=whole.problem)
    right = whole.hex == task.digest.hex
    chain = whole.states if right else task.chain
    return Hashed(task, whole.after, whole.hex, chain, () if right else bad, whole.next)


def _read(task: Task, pace: Pace, begin: int, end: int | None) -> _Stretch:
    """Ranges begin to end (None: to the last) of a file, as one SHA-256."""
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    states: list[bytes] = []
    at = begin * sha256.RANGE
    index = begin
    try:
        descriptor = os.open(task.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        return _Stretch(begin, begin, problem=_words(error))
    try:
        before = stamp_of(os.fstat(descriptor))
        count = ranges(before.size)
        if begin >= count:
            return _Stretch(begin, begin, problem="became shorter while it was read")
        end = count if end is None else min(end, count)
        os.posix_fadvise(descriptor, at, (end - begin) * sha256.RANGE, os.POSIX_FADV_SEQUENTIAL)
        hasher = Chained(task.chain[begin - 1] if begin else INITIAL, at)
        while index < end:
            if pace.over:
                return _Stretch(begin, index, tuple(states), "", before, before)
            border = min((index + 1) * sha256.RANGE, before.size)
            while at < border:
                read = os.preadv(descriptor, [view[: min(_CHUNK, border - at)]], at)
                if not read:
                    return _Stretch(begin, index, problem="became shorter while it was read")
                hasher.update(view[:read])
                at += read
                pace.spend(read)
                if pace.stopped:
                    return _Stretch(begin, index, tuple(states), "", before, before)
            index += 1
            if border == index * sha256.RANGE:
                states.append(hasher.state)
        last = hasher.hexdigest() if end == count else ""
        return _Stretch(begin, index, tuple(states), last, before, stamp_of(os.fstat(descriptor)))
    except OSError as error:
        return _Stretch(begin, index, problem=f"{_words(error)} at byte {at}")
    finally:
        os.close(descriptor)


def _git(task: Task, pace: Pace) -> _Stretch:
    """A blob's hash as git counts it; such files are small."""
    try:
        with task.path.open("rb", buffering=0) as file:
            before = stamp_of(os.fstat(file.fileno()))
            if pace.over:
                return _Stretch(0, 0, (), "", before, before)
            hasher = hashlib.sha1(b"blob %d\0" % before.size, usedforsecurity=False)
            while chunk := file.read(_CHUNK):
                hasher.update(chunk)
                pace.spend(len(chunk))
                if pace.stopped:
                    return _Stretch(0, 0, (), "", before, before)
            after = stamp_of(os.fstat(file.fileno()))
        return _Stretch(0, 1, (), hasher.hexdigest(), before, after)
    except OSError as error:
        return _Stretch(0, 0, problem=_words(error))


def _words(error: OSError) -> str:
    return f"cannot be read: {error.strerror or error}"
