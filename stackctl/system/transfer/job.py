"""What is to be fetched, how patiently, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from stackctl.model import Digest, StackError, Stamp


class Stopped(Exception):
    """The caller wants no more."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file. `name` is for people; `target` is its final name; `chain` holds the states of its
    SHA-256 where this content was here before."""

    name: str
    url: str
    size: int
    digest: Digest
    target: Path
    parts: Path  # folder of unfinished files: Store.parts_for(target)
    chain: tuple[bytes, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def part_name(self) -> str:
        return f"{self.digest.algorithm}-{self.digest.hex}"


@dataclass(frozen=True, slots=True)
class Fetched:
    """How a job ended: `failure`, or a file under its final name with the right hash."""

    job: Job
    stamp: Stamp | None = None
    chain: tuple[bytes, ...] = ()
    failure: StackError | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds to wait for a connection and for the next bytes; how often to try again without any
    progress, with a pause that doubles from `pause` to `longest`."""

    connect: float = 10.0
    silence: float = 30.0
    tries: int = 6
    pause: float = 1.0
    longest: float = 60.0


@dataclass(frozen=True)
class Watch:
    """How the caller follows what happens. `bytes_changed(job, n)` is below zero when something
    has to be fetched again; `told(job, text)` is for people."""

    bytes_changed: Callable[[Job, int], None] = lambda _job, _count: None
    told: Callable[[Job, str], None] = lambda _job, _text: None
    ended: Callable[[Fetched], None] = lambda _fetched: None
    stop: Event = field(default_factory=Event)
