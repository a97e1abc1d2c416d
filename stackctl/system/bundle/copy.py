"""Copying a file and hashing it in one read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from stackctl.model import Algorithm, Stamp
from stackctl.system.hashing import stamp_of
from stackctl.system.sha256 import RANGE, Chained

#: takes a piece of a file, whole
Write: TypeAlias = Callable[[memoryview], None]

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Copied:
    """What was read. `problem` is why it could not be read to its end."""

    hex: str
    chain: tuple[bytes, ...]
    stamp: Stamp
    problem: str = ""


def copy(
    descriptor: int,
    offset: int,
    size: int,
    algorithm: Algorithm,
    write: Write,
    told: Callable[[int], None],
) -> Copied:
    """Copy `size` bytes of an open file, as far as they can be read. `write` raises its own."""
    before = stamp_of(os.fstat(descriptor))
    os.posix_fadvise(descriptor, offset, size, os.POSIX_FADV_SEQUENTIAL)
    chained = Chained() if algorithm is Algorithm.SHA256 else None
    git = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    buffer = memoryview(bytearray(_CHUNK))
    states: list[bytes] = []
    done, problem = 0, ""
    while done < size:
        # never beyond the border of a range, so that its state can be kept
        most = min(_CHUNK, size - done, RANGE - done % RANGE)
        try:
            count = os.preadv(descriptor, [buffer[:most]], offset + done)
        except OSError as error:
            count, problem = 0, f"cannot be read at byte {done}: {error.strerror or error}"
        if not count:
            problem = problem or f"ends after {done} bytes of {size}"
            break
        piece = buffer[:count]
        if chained:
            chained.update(piece)
        else:
            git.update(piece)
        done += count
        if chained and done % RANGE == 0:
            states.append(chained.state)
        write(piece)
        told(count)
    if not problem and stamp_of(os.fstat(descriptor)) != before:
        problem = "changed while it was read"
    result = chained.hexdigest() if chained else git.hexdigest()
    return Copied(result, tuple(states), before, problem)
