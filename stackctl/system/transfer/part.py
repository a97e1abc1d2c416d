"""A file on its way: what has arrived, where, and what it hashes to so far.

Two files lie in the folder of unfinished downloads, named by the content that is to come, so that
any later run and any mirror can go on with them: NAME.part and NAME.log, an append-only list of
what was written where (`r RANGE BYTES`) and of the hash's states (`h RANGE STATE`). A line is
written after the bytes it speaks of, so after kill -9 the log is true. After a power failure it
need not be: what was hashed is then read once more, and the rest is fetched again.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Lock

from stackctl.model import StackError
from stackctl.system.sha256 import INITIAL, RANGE, Chained, ranges

_CHUNK = 1 << 20
#: how much of a backlog one call hashes, so that no connection idles for it
_STEP = 4 * _CHUNK
_BOOT = Path("/proc/sys/kernel/random/boot_id")


class Part:
    """An unfinished file of `size` bytes with a known SHA-256. Threads may write different ranges
    at the same time. `chain` holds its states where the content was here before; a range is then
    checked as soon as it is complete, else only the whole is."""

    def __init__(
        self,
        folder: Path,
        name: str,
        size: int,
        chain: tuple[bytes, ...] = (),
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        self.size = size
        self.chain = chain if len(chain) >= ranges(size) - 1 else ()
        self.path = folder / f"{name}.part"
        self._log_path = folder / f"{name}.log"
        folder.mkdir(parents=True, exist_ok=True)
        self._file = self._open(on_wait)
        self.written = [0] * ranges(size)
        self._states: list[bytes] = []
        self._hashing = Lock()
        self._load()
        self._log = os.open(
            self._log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644
        )
        self._note(f"boot {_boot()} {size}")
        self._hasher = self._taken_up()

    def _open(self, on_wait: Callable[[], None]) -> int:
        """Open the file for ourselves alone. Whoever had it may have given it its final name
        meanwhile: then the name stands for another file, or none, and we begin anew."""
        while True:
            file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                on_wait()
                fcntl.flock(file, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file), self.path.stat()):
                    return file
            os.close(file)

    @property
    def have(self) -> int:
        """Bytes that need not be fetched any more."""
        return sum(self.written)

    def length(self, index: int) -> int:
        """Bytes of one range."""
        return min(RANGE, self.size - index * RANGE)

    def complete(self, index: int) -> bool:
        return self.written[index] == self.length(index)

    def add(self, index: int, data: bytes | memoryview) -> None:
        """Write the next bytes of a range."""
        at = index * RANGE + self.written[index]
        while data:
            count = os.pwrite(self._file, data, at)
            at += count
            self.written[index] += count
            data = data[count:]
        self._note(f"r {index} {self.written[index]}")
        if self._hashing.acquire(blocking=False):
            try:
                self._advance(_STEP)
            finally:
                self._hashing.release()

    def drop(self, index: int) -> None:
        """Forget one range: it will be fetched again."""
        with self._hashing:
            self.written[index] = 0
            self._note(f"r {index} 0")
            if len(self._states) > index or self._hasher.done > index * RANGE:
                self._states = self._states[:index]
                self._hasher = self._taken_up()

    def clear(self) -> None:
        """Forget everything."""
        with self._hashing:
            self.written = [0] * len(self.written)
            self._states = []
            self._hasher = self._taken_up()
            os.ftruncate(self._log, 0)
            self._note(f"boot {_boot()} {self.size}")

    def right(self, index: int) -> bool:
        """Whether a complete range is what the chain says; True where that is not known."""
        if not self.chain or index >= len(self.chain):
            return True
        hasher = Chained(self.chain[index - 1] if index else INITIAL, index * RANGE)
        self._hash(hasher, index * RANGE + self.length(index))
        return hasher.state == self.chain[index]

    def finish(self) -> tuple[str, tuple[bytes, ...]]:
        """The SHA-256 of the complete file, and its chain; the content is on the disk then."""
        with self._hashing:
            self._advance(self.size)
            states = tuple(self._states)
            result = self._hasher.hexdigest()
            self._hasher = self._taken_up()
        os.ftruncate(self._file, self.size)
        os.fsync(self._file)
        return result, states

    def put(self, target: Path) -> None:
        """Give the finished file its final name."""
        target.parent.mkdir(parents=True, exist_ok=True)
        self.path.replace(target)
        with suppress(OSError):
            self._log_path.unlink()
        sync_folder(target.parent)

    def remove(self) -> None:
        """Give up what was there: nobody needs it any more."""
        for path in (self.path, self._log_path):
            with suppress(OSError):
                path.unlink()

    def close(self) -> None:
        os.close(self._log)
        os.close(self._file)

    def _note(self, line: str) -> None:
        os.write(self._log, f"{line}\n".encode())

    def _advance(self, most: int) -> None:
        """Hash what has arrived without a gap, up to `most` bytes of it."""
        end = min(self._front(), self._hasher.done + most)
        while self._hasher.done < end:
            border = (len(self._states) + 1) * RANGE
            self._hash(self._hasher, min(end, border))
            if self._hasher.done == border:
                self._states.append(self._hasher.state)
                self._note(f"h {len(self._states) - 1} {self._hasher.state.hex()}")

    def _front(self) -> int:
        """Up to where the bytes are there without a gap."""
        for index, count in enumerate(self.written):
            if count < self.length(index):
                return index * RANGE + count
        return self.size

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
        done = len(self._states) * RANGE
        return Chained(self._states[-1] if self._states else INITIAL, done)

    def _load(self) -> None:
        """Believe the log of an earlier run, as far as it can be believed."""
        try:
            lines = self._log_path.read_text(encoding="ascii").splitlines()
        except (OSError, ValueError):
            return
        boots = {words[1] for line in lines if (words := line.split())[:1] == ["boot"]}
        for line in lines:
            with suppress(ValueError, IndexError):
                self._take(line.split())
        there = os.fstat(self._file).st_size
        for index in range(len(self.written)):
            self.written[index] = max(0, min(self.written[index], there - index * RANGE))
        whole = next((i for i, n in enumerate(self.written) if n < RANGE), len(self.written))
        self._states = self._states[:whole]
        if boots != {_boot()}:
            self._doubt()

    def _take(self, words: list[str]) -> None:
        if words[0] == "boot" and int(words[2]) != self.size:
            self.written = [0] * len(self.written)
            self._states = []
        elif words[0] == "r":
            index, count = int(words[1]), int(words[2])
            if 0 <= index < len(self.written) and 0 <= count <= self.length(index):
                self.written[index] = count
                if count < self.length(index):
                    self._states = self._states[:index]
        elif words[0] == "h" and int(words[1]) == len(self._states):
            state = bytes.fromhex(words[2])
            if len(state) == len(INITIAL):
                self._states.append(state)

    def _doubt(self) -> None:
        """The machine went down meanwhile: keep the ranges that still hash to their state."""
        good: list[bytes] = []
        for index, state in enumerate(self._states):
            hasher = Chained(good[-1] if good else INITIAL, index * RANGE)
            self._hash(hasher, (index + 1) * RANGE)
            if hasher.state != state:
                break
            good.append(state)
        self._states = good
        for index in range(len(good), len(self.written)):
            self.written[index] = 0


def sync_folder(folder: Path) -> None:
    """Make a rename last through a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _boot() -> str:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"
