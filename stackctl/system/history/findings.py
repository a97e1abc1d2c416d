"""Findings of runs: written when they change, their texts once."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence

from stackctl.model import Finding, Severity

#: a log line as evidence may be long
_LONGEST = 500
_ORDER = list(Severity)
_TOLD = (Severity.WARNING, Severity.ERROR)
_NUMBER = re.compile(r"\d+")


def write(db: sqlite3.Connection, run: int, findings: Sequence[Finding]) -> None:
    """Compare with what the run before found; write what is different."""
    worst: dict[tuple[str, str], Finding] = {}
    for f in findings:
        other = worst.get((f.check, f.subject))
        if other is None or _ORDER.index(f.severity) > _ORDER.index(other.severity):
            worst[f.check, f.subject] = f
    before = {
        (name, subject): (key, severity, text)
        for key, name, subject, severity, text in db.execute(
            "SELECT k.id, k.name, k.subject, f.severity, f.text FROM findings f"
            " JOIN keys k ON k.id = f.key WHERE f.last IS NULL"
        )
    }
    for pair, finding in worst.items():
        text = _text(db, finding)
        if pair in before:
            key, severity, old = before.pop(pair)
            if (severity, old) == (finding.severity.value, text):
                continue
            _end(db, key, run)
        else:
            key = _key(db, pair)
        db.execute(
            "INSERT OR REPLACE INTO findings VALUES (?, ?, NULL, ?, ?)",
            (key, run, finding.severity.value, text),
        )
    for key, _, _ in before.values():
        _end(db, key, run)


def going(db: sqlite3.Connection) -> tuple[Finding, ...]:
    """What the last run found."""
    rows = db.execute(
        "SELECT k.name, f.severity, k.subject, coalesce(t.summary, ''), coalesce(t.evidence, ''),"
        " coalesce(t.cause, ''), coalesce(t.fix, '') FROM findings f JOIN keys k ON k.id = f.key"
        " LEFT JOIN texts t ON t.id = f.text WHERE f.last IS NULL ORDER BY k.id"
    )
    return tuple(
        Finding(name, Severity(severity), subject, summary, evidence, cause, fix)
        for name, severity, subject, summary, evidence, cause, fix in rows
    )


def _end(db: sqlite3.Connection, key: int, run: int) -> None:
    db.execute("UPDATE findings SET last = ? WHERE key = ? AND last IS NULL", (run, key))


def _key(db: sqlite3.Connection, pair: tuple[str, str]) -> int:
    db.execute("INSERT OR IGNORE INTO keys (name, subject) VALUES (?, ?)", pair)
    row = db.execute("SELECT id FROM keys WHERE name = ? AND subject = ?", pair).fetchone()
    return int(row[0])


def _text(db: sqlite3.Connection, f: Finding) -> int | None:
    """Of what is fine no text is kept. One that differs in its numbers only is no other: a
    temperature in a summary would make a new one every minute."""
    if f.severity not in _TOLD:
        return None
    parts = [part[:_LONGEST] for part in (f.summary, f.evidence, f.cause, f.fix)]
    pattern = _NUMBER.sub("#", "\0".join([f.check, f.subject, f.summary, f.cause]))[:_LONGEST]
    db.execute(
        "INSERT OR IGNORE INTO texts (pattern, summary, evidence, cause, fix)"
        " VALUES (?, ?, ?, ?, ?)",
        (pattern, *parts),
    )
    row = db.execute("SELECT id FROM texts WHERE pattern = ?", (pattern,)).fetchone()
    return int(row[0])
