"""`stackctl history`: what was wrong, for how long, why, and what was done about it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from stackctl import report, settings
from stackctl.commands import proven
from stackctl.commands.letters import clock, done, prevention
from stackctl.commands.proven import Proof
from stackctl.commands.record import BREAKER, GREEN, LATEST
from stackctl.model import StackError
from stackctl.model.incident import Box, Incident, Spell
from stackctl.system import history as store
from stackctl.system import terminal
from stackctl.system.history import History
from stackctl.watch import breaker, drift, uptime
from stackctl.watch.uptime import WINDOWS, Uptime


@dataclass(frozen=True, slots=True)
class _Past:
    incidents: tuple[Incident, ...]
    spells: dict[str, list[Spell]]
    green: Box
    latest: Box
    off: dict[str, float] = field(default_factory=dict)
    proofs: tuple[Proof, ...] = ()

    @property
    def changed(self) -> tuple[str, ...]:
        return drift.difference(self.green, self.latest.parts)


def history(roles: Sequence[str], *, since: float, as_json: bool) -> int:
    """Incidents of the last `since` seconds, uptime, and what changed since all was fine."""
    now = time.time()
    folder = settings.recording(settings.find_root()).folder
    past = _only(store.look(folder, lambda book: _read(book, now - since)), roles)
    up = {service: _windows(spells, now) for service, spells in past.spells.items()}
    terminal.out(_json(past, up, now) if as_json else _text(past, up, now, since))
    return 0


def changed_since_green(parts: Mapping[str, str]) -> str:
    """What the box is, and was not when all was fine, in words; "" if nothing or nothing known."""
    folder = settings.find_root() / ".stackctl"
    try:
        green = store.look(folder, lambda book: drift.load(book.state(GREEN)))
    except StackError:
        return ""
    lines = drift.difference(green, parts)
    return _changed(green, lines) if lines else ""


def _changed(green: Box, lines: Iterable[str]) -> str:
    head = f"changed since all was fine ({report.moment(green.at)}):"
    return "\n".join([head, *(f"  {line}" for line in lines)])


def _read(book: History, since: float) -> _Past:
    return _Past(
        book.incidents_since(since),
        book.spells(),
        drift.load(book.state(GREEN)),
        drift.load(book.state(LATEST)),
        dict(breaker.load(book.state(BREAKER)).off),
        proven.read(book),
    )


def _only(past: _Past, roles: Sequence[str]) -> _Past:
    """Those of some roles; a service of several projects is named PROJECT/ROLE."""
    if not roles:
        return past

    def wanted(subject: str) -> bool:
        return subject in roles or subject.rpartition("/")[2] in roles

    subjects = {*past.spells, *(i.subject for i in past.incidents), *(p.of for p in past.proofs)}
    heard = {*subjects, *(s.rpartition("/")[2] for s in subjects)}
    for role in roles:
        if role not in heard:
            raise StackError(
                f"nothing is remembered of {role!r}",
                fix=f"choose from: {', '.join(sorted(subjects)) or 'nothing yet'}",
                exit_code=2,
            )
    return _Past(
        tuple(i for i in past.incidents if wanted(i.subject)),
        {service: spells for service, spells in past.spells.items() if wanted(service)},
        past.green,
        past.latest,
        {subject: at for subject, at in past.off.items() if wanted(subject)},
        tuple(proof for proof in past.proofs if wanted(proof.of)),
    )


def _windows(spells: Sequence[Spell], now: float) -> dict[str, Uptime]:
    return {name: uptime.over(spells, now, length) for name, length in WINDOWS.items()}


def _text(past: _Past, up: dict[str, dict[str, Uptime]], now: float, since: float) -> str:
    parts = []
    if past.changed:
        parts.append(_changed(past.green, past.changed))
    parts += [_incident(i, now) for i in past.incidents]
    if not past.incidents and past.latest.at:
        parts.append(f"no incident in the last {report.duration(since)}")
    for subject, at in past.off.items():
        parts.append(report.healing_off(subject, at, breaker.again(subject)))
    if up:
        header = ("UP", *(name.upper() for name in WINDOWS))
        rows = [(service, *map(_share, windows.values())) for service, windows in up.items()]
        parts.append(report.table(header, rows))
    if past.proofs:
        parts.append(report.table(proven.HEADER, proven.rows(past.proofs, now)))
    if past.latest.at:
        parts.append(f"last run {report.duration(max(0.0, now - past.latest.at))} ago")
    else:
        parts.append("nobody looks after the box: make watch-install")
    return "\n\n".join(parts)


def _incident(i: Incident, now: float) -> str:
    end = "open" if i.ended is None else clock(i.ended, i.started)
    lines = [
        f"{report.moment(i.started)} .. {end} ({report.duration(i.lasted(now))})"
        f"  {i.subject}: {i.summary}  [{i.check}]"
    ]
    told = [("changed", line) for line in i.changed]
    told += [("cause", i.cause)] if i.cause else []
    told += [("done", f"{clock(n.at, i.started)} {n.text}") for n in i.notes]
    if i.open and i.fix:
        told.append(("fix", i.fix))
    elif not i.open and not i.notes:
        told.append(("done", done(i)))
    if not i.open and (text := prevention(i)):
        told.append(("prevent", text))
    return "\n".join([*lines, *(f"    {name + ':':<10}{text}" for name, text in told)])


def _share(u: Uptime) -> str:
    """`99.8 %`, and of how much time, where nobody looked at the rest; never rounded up to 100."""
    if u.share is None:
        return "-"
    text = "100 %" if u.down == 0 else f"{int(u.share * 1000) / 10:.1f} %"
    seen = u.up + u.down
    # a run has no more than its minute: what is missing at the edges is not worth a word
    return f"{text} of {report.duration(seen)}" if u.unknown >= 0.01 * (seen + u.unknown) else text


def _json(past: _Past, up: dict[str, dict[str, Uptime]], now: float) -> str:
    return json.dumps(
        {
            "changed_since_green": list(past.changed),
            "green_at": past.green.at or None,
            "green": past.green.parts,
            "now": past.latest.parts,
            "last_run_at": past.latest.at or None,
            "incidents": [{**asdict(i), "duration_seconds": i.lasted(now)} for i in past.incidents],
            "healing_off": past.off,
            "proofs": [asdict(proof) for proof in past.proofs],
            "uptime": {
                service: {
                    name: {
                        "share": u.share,
                        "up_seconds": u.up,
                        "down_seconds": u.down,
                        "unknown_seconds": u.unknown,
                    }
                    for name, u in windows.items()
                }
                for service, windows in up.items()
            },
        },
        indent=2,
    )
