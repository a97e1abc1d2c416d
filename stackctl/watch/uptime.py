"""Up, down, unknown: each service over a window of time, from the runs that looked at it.

A run speaks for the time until the next one, if that came about when it was to be expected; when
nothing ran (the box was off, the timer was), nothing is known, and that is told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from stackctl.model.incident import Spell

DAY = 86400.0
WINDOWS = {"day": DAY, "week": 7 * DAY, "month": 30 * DAY}
#: what a run speaks for at least and at most, and for how many usual distances between runs
_LEAST, _MOST, _TIMES = 150.0, 3 * 3600.0, 2.5


@dataclass(frozen=True, slots=True)
class Uptime:
    """Seconds of one window."""

    up: float
    down: float
    unknown: float

    @property
    def share(self) -> float | None:
        """Of the time that is known; None if none is."""
        known = self.up + self.down
        return self.up / known if known else None


def reach(times: Sequence[float]) -> float:
    """For how long a run speaks, by the distances of the last runs (oldest first)."""
    distances = [b - a for a, b in pairwise(times) if b > a]
    # the median: a run by hand, or a night without runs, changes nothing
    return min(_MOST, max(_LEAST, _TIMES * median(distances))) if distances else _LEAST


def step(
    last: Mapping[str, Spell], up: Mapping[str, bool], now: float, reach: float
) -> tuple[tuple[Spell, Spell | None], ...]:
    """Spells after a run: (as it is now, the one that it goes on from). A new one has no second."""
    result: list[tuple[Spell, Spell | None]] = []
    for service, is_up in up.items():
        before = last.get(service)
        if before is None or not 0 <= now - before.end <= reach:
            result.append((Spell(service, is_up, now, now), None))
            continue
        result.append((Spell(service, before.up, before.start, now), before))
        if before.up is not is_up:
            result.append((Spell(service, is_up, now, now), None))
    return tuple(result)


def over(spells: Iterable[Spell], now: float, window: float) -> Uptime:
    """One service. Where a clock was set, spells overlap: down wins, no second counts twice."""
    begin = now - window
    clipped = [
        Spell(s.service, s.up, max(s.start, begin), min(s.end, now))
        for s in spells
        if s.end > begin and s.start < now
    ]
    down = _length(s for s in clipped if not s.up)
    known = _length(clipped)
    return Uptime(known - down, down, window - known)


def _length(spells: Iterable[Spell]) -> float:
    """Seconds that at least one covers."""
    total, reached = 0.0, float("-inf")
    for spell in sorted(spells, key=lambda s: s.start):
        total += max(0.0, spell.end - max(spell.start, reached))
        reached = max(reached, spell.end)
    return total
