"""The circuit breaker of healing: what three attempts in an hour did not mend, a fourth will not.
Hands off then, until the incident is gone or an operator says so."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from stackctl.model.check import Finding, Severity
from stackctl.model.incident import Incident

ATTEMPTS = 3
WITHIN = 3600.0
ID = "heal.breaker"


@dataclass(frozen=True, slots=True)
class Breaker:
    """When each subject was tried to be healed; `off` are those that are left alone, since when."""

    tried: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    off: Mapping[str, float] = field(default_factory=dict)


def may(breaker: Breaker, subject: str, now: float) -> bool:
    """Whether one more attempt is allowed."""
    return subject not in breaker.off and len(_recent(breaker, subject, now)) < ATTEMPTS


def attempt(breaker: Breaker, subject: str, now: float) -> Breaker:
    """One attempt is made. To be kept before it begins: a healer that dies of it has tried, too."""
    tried = (*_recent(breaker, subject, now), now)
    return replace(breaker, tried={**breaker.tried, subject: tried})


def step(breaker: Breaker, incidents: Iterable[Incident], now: float) -> Breaker:
    """One run more, with the open incidents; its own do not keep it off.

    Attempts of a subject that is well are kept for their hour: one that is mended for two minutes
    only, again and again, is not mended.
    """
    ill = {i.subject for i in incidents if i.check != ID}
    recent = {subject: _recent(breaker, subject, now) for subject in breaker.tried}
    off = {
        subject: breaker.off.get(subject, now)
        for subject in sorted(ill)
        if subject in breaker.off or len(recent.get(subject, ())) >= ATTEMPTS
    }
    return Breaker({subject: times for subject, times in recent.items() if times}, off)


def reset(breaker: Breaker, subject: str) -> Breaker:
    """An operator says: try again."""
    return Breaker(
        {s: times for s, times in breaker.tried.items() if s != subject},
        {s: since for s, since in breaker.off.items() if s != subject},
    )


def findings(breaker: Breaker) -> tuple[Finding, ...]:
    """What is left alone, so that somebody is told."""
    return tuple(
        Finding(
            ID,
            Severity.WARNING,
            subject,
            f"{ATTEMPTS} attempts to heal it within an hour did not help; it is left alone now",
            cause="what is wrong comes back in each new container",
            fix=f"mend what its other findings say (stackctl history {role(subject)}), "
            f"then: {again(subject)}",
        )
        for subject in sorted(breaker.off)
    )


def again(subject: str) -> str:
    """What an operator types to have it tried again."""
    return f"stackctl heal {role(subject)} --again"


def role(subject: str) -> str:
    """As it is typed: where several projects run, a subject has its project before it."""
    return subject.rpartition("/")[2]


def dump(breaker: Breaker) -> str:
    return json.dumps({"tried": dict(breaker.tried), "off": dict(breaker.off)})


def load(text: str) -> Breaker:
    """What `dump` wrote; what cannot be read begins anew."""
    try:
        raw = json.loads(text or "{}")
        return Breaker(
            {s: tuple(float(t) for t in times) for s, times in raw.get("tried", {}).items()},
            {s: float(since) for s, since in raw.get("off", {}).items()},
        )
    except (ValueError, TypeError, AttributeError):
        return Breaker()


def _recent(breaker: Breaker, subject: str, now: float) -> tuple[float, ...]:
    """Those of the last hour; of a clock that was set, those within an hour on either side."""
    return tuple(t for t in breaker.tried.get(subject, ()) if abs(now - t) < WITHIN)
