"""One way in which a box fails, as data: how it shows, where, why, and what to type."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Where(StrEnum):
    """Where a failure shows."""

    LOG = "the engine's log (`stackctl logs ROLE`)"
    STALLED = "the last line of a log that no longer grows"
    ANSWER = "the engine's answer to a request, or its log at that time"
    PULL = "the daemon's answer when it pulls an image"
    CREATE = "the daemon's error when it creates or starts the container (State.Error)"
    INSIDE = "nvidia-smi inside the container"
    NVML = "NVML on the host"
    KERNEL = "the kernel log (`sudo dmesg`)"
    PROGRAM = "the output of a program on the host"
    CHECK = "a finding of `stackctl verify`, `up` or `lint`"


class Sure(StrEnum):
    """How sure it is that this cause is behind what shows."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "one of several causes"


class Depth(IntEnum):
    """How near to the root cause a line is; of several lines the nearest one explains."""

    CAUSE = 0
    SYMPTOM = 1  # has a cause of its own, which other lines may tell
    POINTER = 2  # says only that something failed


@dataclass(frozen=True, slots=True)
class Failure:
    """One entry of the catalogue.

    `pattern` is a regular expression for one line. Without one, `check` names the check or the
    rule of the linter that sees the failure, and `shows` says how it looks. In `fix`, ROLE stands
    for the role, N for the GPU's number. `source` is where its text was read.
    """

    id: str
    pattern: str
    cause: str
    fix: str
    where: tuple[Where, ...] = (Where.LOG,)
    sure: Sure = Sure.CERTAIN
    source: str = ""
    depth: Depth = Depth.CAUSE
    check: str = ""
    shows: str = ""
