"""What is known of a file on its way, as lines that are only ever added:

    boot ID SIZE RANGE    who wrote the lines below
    r RANGE BYTES         so many bytes of a range were written
    h RANGE STATE         the hash's state after it
    v RANGE               it is what the chain says

A line is written after the bytes it speaks of, so after kill -9 the lines are true. After a power
failure they need not be: whoever reads them is told. A full disk may leave half a line: a whole
one ends with a full stop.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from stackctl.system import sha256
from stackctl.system.durable import hand_over

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass
class Known:
    """Bytes there of each range, the hash's states without a gap, ranges right by the chain.
    `doubtful`: the machine went down since it was written."""

    size: int
    written: list[int] = field(default_factory=list)
    states: list[bytes] = field(default_factory=list)
    proven: set[int] = field(default_factory=set)
    doubtful: bool = False

    def __post_init__(self) -> None:
        self.written = self.written or [0] * sha256.ranges(self.size)

    def length(self, index: int) -> int:
        """Bytes that a range has in the end."""
        return min(sha256.RANGE, self.size - index * sha256.RANGE)

    def complete(self, index: int) -> bool:
        return self.written[index] == self.length(index)

    @property
    def front(self) -> int:
        """Up to where the bytes are there without a gap."""
        for index in range(len(self.states), len(self.written)):
            if not self.complete(index):
                return index * sha256.RANGE + self.written[index]
        return self.size

    def forget(self, index: int) -> None:
        self.written[index] = 0
        self.proven.discard(index)
        del self.states[index:]

    def clip(self, there: int) -> None:
        """The file has only so many bytes."""
        for index, count in enumerate(self.written):
            self.written[index] = max(0, min(count, there - index * sha256.RANGE))
        self.proven = {index for index in self.proven if self.complete(index)}
        whole = (i for i in range(len(self.written)) if not self.complete(i))
        del self.states[next(whole, len(self.written)) :]


class Journal:
    """The file of these lines, open for more."""

    def __init__(self, path: Path, known: Known) -> None:
        """Begin it anew with what is known; the old one stays until the new one is there."""
        self._path = path
        draft = path.with_name(f"{path.name}.new")
        try:
            draft.write_text("".join(f"{line} .\n" for line in _lines(known)), encoding="ascii")
            hand_over(draft)
            draft.replace(path)
        except BaseException:
            with suppress(OSError):
                draft.unlink()
            raise
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def note(self, *words: object) -> None:
        """Add a line, in one write: it is there whole after kill -9, or not at all."""
        os.write(self._file, f"\n{' '.join(map(str, words))} .\n".encode())

    def close(self) -> None:
        os.close(self._file)

    def remove(self) -> None:
        with suppress(OSError):
            self._path.unlink()


def read(path: Path, size: int) -> Known:
    """Believe an earlier run, as far as it can be believed."""
    known = Known(size)
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return known
    lines = [words[:-1] for line in text.splitlines() if (words := line.split())[-1:] == ["."]]
    match lines:
        case [["boot", boot, *shape], *rest] if shape == [str(size), str(sha256.RANGE)]:
            known.doubtful = boot != _boot()
            for words in rest:
                with suppress(ValueError, TypeError):
                    _take(known, *words)
    return known


def _take(known: Known, kind: str = "", range_: str = "0", value: str = "") -> None:
    index = int(range_)
    if not 0 <= index < len(known.written):
        return
    if kind == "r" and 0 <= (count := int(value)) <= known.length(index):
        if count < known.written[index]:
            known.forget(index)
        known.written[index] = count
    elif kind == "v":
        known.proven.add(index)
    elif kind == "h" and index == len(known.states) and len(value) == 2 * len(sha256.INITIAL):
        known.states.append(bytes.fromhex(value))


def _lines(known: Known) -> list[str]:
    return [
        f"boot {_boot()} {known.size} {sha256.RANGE}",
        *(f"r {index} {count}" for index, count in enumerate(known.written) if count),
        *(f"h {index} {state.hex()}" for index, state in enumerate(known.states)),
        *(f"v {index}" for index in sorted(known.proven)),
    ]


def _boot() -> str:
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return "unknown"
