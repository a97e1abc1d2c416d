"""What the box remembers of itself: incidents, figures, what it was made of. Times are in seconds
since the epoch."""

from __future__ import annotations

from dataclasses import dataclass, field

from stackctl.model.check import Severity


@dataclass(frozen=True, slots=True)
class Note:
    """What was done about an incident, and when."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that was wrong for a while. `ended` is None as long as it still is."""

    id: int
    check: str
    subject: str
    severity: Severity
    summary: str
    started: float
    cause: str = ""
    fix: str = ""
    ended: float | None = None
    notes: tuple[Note, ...] = ()
    changed: tuple[str, ...] = ()  # of the box, between the last green run and the start

    @property
    def open(self) -> bool:
        return self.ended is None

    def lasted(self, now: float) -> float:
        """Seconds; a clock that was set back in between makes none of them negative."""
        return max(0.0, (now if self.ended is None else self.ended) - self.started)


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of one run: `of` names the GPU or the service it belongs to, if any."""

    name: str
    of: str
    value: float


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which a service was up, or was not, as the runs of that time saw it."""

    service: str
    up: bool
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Box:
    """What the box was made of at one time: driver, kernel, images by digest ... -> text."""

    at: float = 0.0
    parts: dict[str, str] = field(default_factory=dict)
