"""What a file's lock and its stat together say of it, without reading it. Pure."""

from __future__ import annotations

from enum import StrEnum

from stackctl.model import LockedFile, Stamp


class State(StrEnum):
    GOOD = "good"  # as it was when its hash was right
    UNSURE = "unsure"  # the right size; never hashed, or changed since
    BAD = "bad"  # another size, or its last hash was wrong
    MISSING = "missing"


def judge(file: LockedFile, stamp: Stamp | None) -> State:
    if stamp is None:
        return State.MISSING
    if stamp.size != file.size:
        return State.BAD
    if stamp != file.stamp:
        return State.UNSURE
    if file.wrong:
        return State.BAD
    return State.GOOD if file.verified else State.UNSURE


def no_hash(file: LockedFile) -> str:
    """What the lock has as the wrong hash of a file that the disk could not read: one that no
    content has."""
    return "0" * len(file.digest.hex)


def unreadable(file: LockedFile) -> bool:
    return file.wrong == no_hash(file)
