"""Successive runs -> incidents. A finding is none until it was seen in several runs in a row, and
an incident is over when it was gone for as many: a blip is no incident, a flap not forty."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace

from stackctl.model.check import Finding, Severity
from stackctl.model.facts import Facts
from stackctl.model.incident import Incident

Key = tuple[str, str]  # check, subject

#: runs in a row that open an incident, and that close it
RUNS = 2
#: checks of which a warning is an incident as well
WARNINGS = frozenset({"alert.channel", "heal.breaker", "history.store", "host.disk"})
#: a skipped finding of this "check": the run could not look at anything that it does not name
EVERYTHING = "*"
#: a check that lacks a fact names it as its subject
_FACTS = {field.name for field in fields(Facts)}


@dataclass(frozen=True, slots=True)
class Streak:
    """For how many runs in a row something is so, and since when."""

    since: float
    runs: int


@dataclass(frozen=True, slots=True)
class Watch:
    """What is between two runs: `seen` but no incident yet, `gone` but an incident still."""

    seen: Mapping[Key, Streak] = field(default_factory=dict)
    gone: Mapping[Key, Streak] = field(default_factory=dict)
    last_id: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What one run made of it. `open` are all that are open after it."""

    watch: Watch
    open: tuple[Incident, ...]
    opened: tuple[Incident, ...] = ()
    closed: tuple[Incident, ...] = ()
    changed: tuple[Incident, ...] = ()  # open before and after, and worse or better explained


def step(
    watch: Watch,
    incidents: Iterable[Incident],
    findings: Sequence[Finding],
    now: float,
    *,
    runs: int = RUNS,
    warnings: Collection[str] = WARNINGS,
    changed: tuple[str, ...] = (),
) -> Step:
    """One run more. `incidents` are the open ones; `changed` is what the box was not before."""
    bad = _bad(findings, warnings)
    unknown = _not_looked_at(findings)
    before = {(i.check, i.subject): i for i in incidents}
    seen = {k: s for k, s in watch.seen.items() if k not in bad and unknown(k)}
    gone = {k: s for k, s in watch.gone.items() if k in before and k not in bad and unknown(k)}
    opened: list[Incident] = []
    for key, finding in bad.items():
        if key in before:
            continue
        streak = _longer(watch.seen.get(key), now)
        if streak.runs < runs:
            seen[key] = streak
        else:
            number = watch.last_id + len(opened) + 1
            opened.append(_open(number, finding, streak.since, changed))
    going, closed = [], []
    for key, incident in before.items():
        if key in bad:
            going.append(_worse(incident, bad[key]))
            continue
        if unknown(key):
            going.append(incident)
            continue
        streak = _longer(watch.gone.get(key), now)
        if streak.runs < runs:
            gone[key] = streak
            going.append(incident)
        else:
            closed.append(replace(incident, ended=max(incident.started, streak.since)))
    return Step(
        Watch(seen, gone, watch.last_id + len(opened)),
        (*going, *opened),
        tuple(opened),
        tuple(closed),
        tuple(i for i in going if i != before[i.check, i.subject]),
    )


def dump(watch: Watch) -> str:
    """For the history."""
    return json.dumps(
        {
            "seen": [[*key, s.since, s.runs] for key, s in watch.seen.items()],
            "gone": [[*key, s.since, s.runs] for key, s in watch.gone.items()],
        }
    )


def load(text: str, last_id: int) -> Watch:
    """What `dump` wrote; what cannot be read begins anew."""
    try:
        raw = json.loads(text or "{}")
        seen, gone = (
            {(check, subject): Streak(float(since), int(runs)) for check, subject, since, runs in r}
            for r in (raw.get("seen", []), raw.get("gone", []))
        )
    except (ValueError, TypeError, AttributeError):
        return Watch(last_id=last_id)
    return Watch(seen, gone, last_id)


def _bad(findings: Iterable[Finding], warnings: Collection[str]) -> dict[Key, Finding]:
    """The worst of each check on each subject that is worth an incident."""
    found: dict[Key, Finding] = {}
    for finding in findings:
        key = (finding.check, finding.subject)
        error = finding.severity is Severity.ERROR
        if error and (key not in found or found[key].severity is not Severity.ERROR):
            found[key] = finding
        elif finding.severity is Severity.WARNING and finding.check in warnings:
            found.setdefault(key, finding)
    return found


def _not_looked_at(findings: Sequence[Finding]) -> Callable[[Key], bool]:
    """Whether a run could not tell: a check that lacked its facts is neither there nor gone."""
    looked = {(f.check, f.subject) for f in findings if f.severity is not Severity.SKIPPED}
    skipped = {(f.check, f.subject) for f in findings if f.severity is Severity.SKIPPED}
    whole = {check for check, subject in skipped if subject in _FACTS}

    def unknown(key: Key) -> bool:
        if key in looked:
            return False
        return key in skipped or key[0] in whole or EVERYTHING in whole

    return unknown


def _longer(streak: Streak | None, now: float) -> Streak:
    return Streak(streak.since, streak.runs + 1) if streak else Streak(now, 1)


def _open(number: int, f: Finding, since: float, changed: tuple[str, ...]) -> Incident:
    return Incident(
        number, f.check, f.subject, f.severity, f.summary, since, f.cause, f.fix, changed=changed
    )


def _worse(incident: Incident, f: Finding) -> Incident:
    """The first words stay; a cause that is known only later, and more severity, are added."""
    worse = f.severity is Severity.ERROR and incident.severity is not Severity.ERROR
    return replace(
        incident,
        severity=f.severity if worse else incident.severity,
        summary=f.summary if worse else incident.summary,
        cause=incident.cause or f.cause,
        fix=incident.fix or f.fix,
    )
