"""A damaged file as the beginning of its own repair: what is right of it need not be fetched."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from stackctl.model import Stamp
from stackctl.system.hashing import stamp_of
from stackctl.system.sha256 import RANGE
from stackctl.system.transfer import place
from stackctl.system.transfer.journal import Journal, Known, read

#: linux/fs.h: two files with one content, apart as soon as one is written to
_FICLONE = 0x40049409


def seed(
    damaged: Path,
    seen: Stamp,
    part: Path,
    size: int,
    chain: Sequence[bytes],
    good: Collection[int],
) -> bool:
    """Make a part of the `good` ranges of a file; False if it has to be fetched whole.

    `good` were compared with `chain` when the file was as `seen`. Where the file system can clone
    (xfs, btrfs) the damaged file stays under its name; else it *becomes* the part, so that nothing
    of it is copied and no room is needed. Then its name is missing until the repair has ended, and
    an engine that has it open sees the right bytes arrive in it: renaming does not disturb it, and
    what is written over was wrong.
    """
    place.make(part.parent)
    known = _known(size, chain, good)
    try:
        # the path itself: a link leads to a file that belongs to somebody else
        now = damaged.lstat()
    except OSError:
        return False
    if not good or not stat.S_ISREG(now.st_mode) or stamp_of(now) != seen:
        return False
    try:
        held = os.open(part, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if sum(read(part.with_suffix(".log"), size).written) >= sum(known.written):
            return False  # a broken download has more than this
        # whatever the log says of a part that is not there counts for nothing, so this order
        # outlasts kill -9
        part.unlink()
        Journal(part.with_suffix(".log"), known).close()
        _give(damaged, part, now.st_mode)
        return True
    except OSError:
        return False
    finally:
        os.close(held)


def give_back(part: Path, damaged: Path) -> bool:
    """The repair failed: the file has its name again, no worse than it was. Ranges that arrived
    are in it, and are found to be good the next time. False if it never lost its name."""
    if damaged.exists():
        return False
    try:
        held = os.open(part, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        part.replace(damaged)
        part.with_suffix(".log").unlink(missing_ok=True)
        return True
    except OSError:
        return False  # another process goes on with it
    finally:
        os.close(held)


def good_ranges(size: int, seen: Stamp, bad: Collection[int]) -> tuple[int, ...]:
    """The whole ranges of a file, less the bad ones; it may be shorter or longer than it should."""
    count = -(-size // RANGE)
    return tuple(
        index
        for index in range(count)
        if index not in bad
        and min((index + 1) * RANGE, size) <= seen.size
        # with bytes behind it the last range was not compared by itself
        and (seen.size == size or (index + 1) * RANGE <= size)
    )


def _known(size: int, chain: Sequence[bytes], good: Collection[int]) -> Known:
    known = Known(size)
    for index in sorted(good):
        known.written[index] = known.length(index)
        if index < len(chain):
            known.proven.add(index)
            if index == len(known.states):
                known.states.append(chain[index])
    return known


def _give(damaged: Path, part: Path, mode: int) -> None:
    draft = part.with_suffix(".seed")
    try:
        with damaged.open("rb") as source, draft.open("wb") as copy:
            fcntl.ioctl(copy.fileno(), _FICLONE, source.fileno())
        draft.replace(part)
        return
    except OSError:
        with suppress(OSError):
            draft.unlink()
    damaged.chmod(stat.S_IMODE(mode) | 0o600)
    damaged.replace(part)
