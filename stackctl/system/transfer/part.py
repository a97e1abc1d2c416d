"""A file on its way: what has arrived, where, and what it hashes to so far.

Two files lie in the folder of unfinished downloads, named by the content that is to come, so that
any later run and any mirror can go on with them: NAME.part and NAME.log (journal.py).
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock

from stackctl.model import StackError
from stackctl.system import sha256
from stackctl.system.durable import hand_over
from stackctl.system.sha256 import INITIAL, Chained, ranges
from stackctl.system.transfer import place
from stackctl.system.transfer.journal import Journal, Known, read

_CHUNK = 1 << 18
#: how much of a backlog one call hashes, so that no connection idles for it
_STEP = 4 << 20
#: bytes of a range that kill -9 may make us fetch again
_NOTE_EVERY = 1 << 20
_POLL = 0.1


class Part:
    """An unfinished file of `size` bytes with a known SHA-256. Threads may write different ranges
    at the same time. `chain` holds its states where the content was here before; a range is then
    checked as soon as it is complete, else only the whole is.

    Only one has it: `waits` is called again and again while it is another, and may raise."""

    def __init__(
        self,
        folder: Path,
        name: str,
        size: int,
        chain: tuple[bytes, ...] = (),
        waits: Callable[[], None] = lambda: time.sleep(_POLL),
    ) -> None:
        self.path = folder / f"{name}.part"
        self._chain = chain if len(chain) >= ranges(size) - 1 else ()
        self._hashing = Lock()
        place.make(folder)
        self._file = _open(self.path, waits)
        try:
            self._known = read(folder / f"{name}.log", size)
            self._known.clip(os.fstat(self._file).st_size)
            if self._known.doubtful:
                self._doubt()
            self._hasher = self._taken_up()
            self._journal = Journal(folder / f"{name}.log", self._known)
            self._noted = list(self.written)
        except BaseException:
            os.close(self._file)
            raise

    @property
    def written(self) -> list[int]:
        """Bytes there of each range."""
        return self._known.written

    @property
    def have(self) -> int:
        """Bytes that need not be fetched any more."""
        return sum(self.written)

    @property
    def size(self) -> int:
        return self._known.size

    def length(self, index: int) -> int:
        return self._known.length(index)

    def complete(self, index: int) -> bool:
        return self._known.complete(index)

    def sure(self, index: int) -> bool:
        """Complete, and checked as far as it can be by itself."""
        known = self._known
        checked = index in known.proven or index < len(known.states)
        return self.complete(index) and (checked or index >= len(self._chain))

    def add(self, index: int, data: bytes | memoryview) -> None:
        """Write the next bytes of a range."""
        while data:
            count = os.pwrite(self._file, data, index * sha256.RANGE + self.written[index])
            self.written[index] += count
            data = data[count:]
        if self.complete(index) or self.written[index] - self._noted[index] >= _NOTE_EVERY:
            self._note(index)
        if not self._chain and self._hashing.acquire(blocking=False):
            try:
                self._advance(_STEP)
            finally:
                self._hashing.release()

    def pour(self, at: int, data: memoryview) -> int:
        """Write what is new of a stream that began at byte 0; how many bytes that were."""
        new = 0
        while data:
            index, offset = divmod(at, sha256.RANGE)
            piece = data[: sha256.RANGE - offset]
            fresh = piece[max(0, self.written[index] - offset) :]
            if fresh:
                self.add(index, fresh)
                new += len(fresh)
            at += len(piece)
            data = data[len(piece) :]
        return new

    def drop(self, index: int) -> None:
        """Forget one range: it will be fetched again."""
        with self._hashing:
            self._known.forget(index)
            self._note(index)
            if self._hasher.done > index * sha256.RANGE:
                self._hasher = self._taken_up()

    def clear(self) -> None:
        """Forget everything; nobody else may be at work on it."""
        with self._hashing:
            self._journal.close()
            self._known = Known(self.size)
            self._hasher = self._taken_up()
            self._journal = Journal(self.path.with_suffix(".log"), self._known)
            self._noted = list(self.written)

    def right(self, index: int) -> bool:
        """Whether a complete range is what the chain says; True where that is not known."""
        if index >= len(self._chain):
            return True
        if not self._as_chained(index):
            return False
        self._known.proven.add(index)
        self._journal.note("v", index)
        return True

    def finish(self) -> tuple[str, tuple[bytes, ...]]:
        """The SHA-256 of the complete file, and its chain; the content is on the disk then."""
        with self._hashing:
            self._advance(self.size)
            result = self._hasher.hexdigest()
            self._hasher = self._taken_up()
        os.ftruncate(self._file, self.size)
        os.fsync(self._file)
        return result, tuple(self._known.states)

    def put(self, target: Path) -> None:
        """Give the finished file its final name."""
        if not _is(self._file, self.path):
            raise StackError(f"{self.path}: somebody took it away", fix="stackctl models pull")
        os.fchmod(self._file, 0o644)
        place.put(self.path, target)
        self._journal.remove()

    def remove(self) -> None:
        """Give up what was there: nobody needs it any more."""
        with suppress(OSError):
            self.path.unlink()
        self._journal.remove()

    def close(self) -> None:
        with suppress(OSError):  # a full disk: what is not noted will be fetched again
            for index, count in enumerate(self.written):
                if count != self._noted[index]:
                    self._note(index)
        self._journal.close()
        os.close(self._file)

    def _note(self, index: int) -> None:
        self._journal.note("r", index, self.written[index])
        self._noted[index] = self.written[index]

    def _advance(self, most: int) -> None:
        """Hash what has arrived without a gap, up to `most` bytes of it. Ranges that are right by
        the chain were hashed when they came."""
        known = self._known
        end = min(known.front, self._hasher.done + most)
        while self._hasher.done < end:
            index = len(known.states)
            border = (index + 1) * sha256.RANGE
            if self._known_already(index):
                self._hasher = Chained(self._chain[index], border)
            else:
                self._hash(self._hasher, min(end, border))
            if self._hasher.done == border:
                known.states.append(self._hasher.state)
                self._journal.note("h", index, self._hasher.state.hex())

    def _known_already(self, index: int) -> bool:
        """Whether the range that comes next is right by the chain, and all before it were."""
        if index not in self._known.proven or index >= len(self._chain):
            return False
        before = self._chain[index - 1] if index else INITIAL
        return self._hasher.done == index * sha256.RANGE and self._hasher.state == before

    def _as_chained(self, index: int) -> bool:
        before = self._chain[index - 1] if index else INITIAL
        hasher = Chained(before, index * sha256.RANGE)
        self._hash(hasher, index * sha256.RANGE + self.length(index))
        return hasher.state == self._chain[index]

    def _hash(self, hasher: Chained, end: int) -> None:
        """From the page cache: these bytes were written a moment ago."""
        buffer = bytearray(min(_CHUNK, max(0, end - hasher.done)))
        view = memoryview(buffer)
        while hasher.done < end:
            count = os.preadv(self._file, [view[: end - hasher.done]], hasher.done)
            if not count:
                raise StackError(f"{self.path}: became shorter while it was written")
            hasher.update(view[:count])

    def _taken_up(self) -> Chained:
        """The hash after the last state that is known."""
        states = self._known.states
        return Chained(states[-1] if states else INITIAL, len(states) * sha256.RANGE)

    def _doubt(self) -> None:
        """The machine went down meanwhile: keep the ranges that still hash to their state."""
        states, self._known.states = self._known.states, []
        self._known.proven = set()
        for index, state in enumerate(states):
            hasher = self._taken_up()
            self._hash(hasher, (index + 1) * sha256.RANGE)
            if hasher.state != state:
                break
            self._known.states.append(state)
        for index in range(len(self._known.states), len(self.written)):
            there = index < len(self._chain) and self.complete(index)
            if there and self._as_chained(index):
                self._known.proven.add(index)
            else:
                self.written[index] = 0


def _open(path: Path, waits: Callable[[], None]) -> int:
    """Open the file for ourselves alone. Whoever had it may have given it its final name
    meanwhile: then the name stands for another file, or none, and we begin anew."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            while not _locked(file):
                waits()
            if _is(file, path):
                hand_over(path)
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)


def _locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is(file: int, path: Path) -> bool:
    """Whether the path still names the open file."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
