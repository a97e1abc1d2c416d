"""What is in the history, read and written inside of one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence

from stackctl.model import Finding, Severity
from stackctl.model.incident import Figure, Incident, Note, Spell
from stackctl.system.history import figures as packed
from stackctl.system.history import findings as spoken

#: runs that are kept: of one run a minute, 35 days
KEPT = 35 * 1440
#: how often (in runs) what is older is thrown away, and the whole file is looked through
_PRUNE, _EXAMINE = 60, 1440
_FIELDS = "id, name, subject, severity, summary, cause, fix, started, ended, changed"


class History:
    """One connection, in a transaction. SQLite's errors pass through it.

    `away`: why it is not written where it belongs, if so.
    """

    def __init__(self, connection: sqlite3.Connection, away: str = "") -> None:
        self._db = connection
        self.away = away

    # what others keep here, as text

    def state(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else ""

    def states(self, prefix: str) -> dict[str, str]:
        """Those whose names begin so; without that beginning."""
        rows = self._db.execute("SELECT name, value FROM state ORDER BY name").fetchall()
        return {n.removeprefix(prefix): v for n, v in rows if n.startswith(prefix)}

    def keep(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def forget(self, name: str) -> None:
        self._db.execute("DELETE FROM state WHERE name = ?", (name,))

    # runs

    def add_run(self, now: float, findings: Sequence[Finding], figures: Iterable[Figure]) -> int:
        """Write a run down; its number. Several within a minute share the figures of the first."""
        last = self._db.execute("SELECT id, at FROM runs ORDER BY id DESC LIMIT 1").fetchone()
        if last and 0 <= now - last[1] < 50:
            run = int(last[0])
        else:
            run = int(last[0]) + 1 if last else 1
            packed.write(self._db, run, now, figures)
        spoken.write(self._db, run, findings)
        if run % _PRUNE == 0:
            self._prune(run - KEPT)
        if run % _EXAMINE == 0:
            row = self._db.execute("PRAGMA quick_check(1)").fetchone()
            if row != ("ok",):
                raise sqlite3.DatabaseError(str(row[0]))
        return run

    def run_times(self, count: int) -> tuple[float, ...]:
        """When the last runs were, oldest first."""
        rows = self._db.execute("SELECT at FROM runs ORDER BY id DESC LIMIT ?", (count,))
        return tuple(at for (at,) in rows)[::-1]

    def figures(self, name: str, of: str = "", last: int = KEPT) -> list[tuple[float, float]]:
        """(time, value) of one figure over the last runs, oldest first."""
        return packed.read(self._db, name, of, last)

    def findings(self) -> tuple[Finding, ...]:
        """What the last run found, in the words of when that began."""
        return spoken.going(self._db)

    def _prune(self, run: int) -> None:
        self._db.execute("DELETE FROM runs WHERE id <= ?", (run,))
        self._db.execute("DELETE FROM findings WHERE last <= ?", (run,))
        self._db.execute("DELETE FROM spells WHERE run <= ?", (run,))
        self._db.execute("DELETE FROM texts WHERE id NOT IN (SELECT text FROM findings WHERE text)")

    # incidents

    def last_incident(self) -> int:
        return int(self._db.execute("SELECT coalesce(max(id), 0) FROM incidents").fetchone()[0])

    def open_incidents(self) -> tuple[Incident, ...]:
        return self._incidents("ended IS NULL", ())

    def incidents_since(self, at: float) -> tuple[Incident, ...]:
        """Those that were there since then, oldest first."""
        return self._incidents("ended IS NULL OR ended >= ?", (at,))

    def incidents_after(self, number: int, also: Collection[int] = ()) -> tuple[Incident, ...]:
        """Those with a higher number, and those of `also`."""
        numbers = json.dumps(sorted(also))
        where = "id > ? OR id IN (SELECT value FROM json_each(?))"
        return self._incidents(where, (number, numbers))

    def save(self, incident: Incident) -> None:
        i = incident
        changed = json.dumps(i.changed)
        self._db.execute(
            "INSERT OR REPLACE INTO incidents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(i.id, i.check, i.subject, i.severity.value, i.summary, i.cause, i.fix),
                *(i.started, i.ended, changed),
            ),
        )

    def note(self, incident: int, at: float, text: str) -> None:
        """What was done about an incident."""
        self._db.execute("INSERT INTO notes VALUES (?, ?, ?)", (incident, at, text))

    def _incidents(self, where: str, values: Sequence[object]) -> tuple[Incident, ...]:
        rows = self._db.execute(
            f"SELECT {_FIELDS} FROM incidents WHERE {where} ORDER BY id",  # noqa: S608 - all ours
            values,
        ).fetchall()
        notes: dict[int, list[Note]] = {}
        numbers = json.dumps([row[0] for row in rows])
        for number, at, text in self._db.execute(
            "SELECT incident, at, text FROM notes"
            " WHERE incident IN (SELECT value FROM json_each(?)) ORDER BY rowid",
            (numbers,),
        ):
            notes.setdefault(number, []).append(Note(at, text))
        return tuple(
            Incident(
                id=row[0],
                check=row[1],
                subject=row[2],
                severity=Severity(row[3]),
                summary=row[4],
                cause=row[5],
                fix=row[6],
                started=row[7],
                ended=row[8],
                notes=tuple(notes.get(row[0], ())),
                changed=tuple(json.loads(row[9])),
            )
            for row in rows
        )

    # uptime

    def last_spells(self) -> Mapping[str, Spell]:
        """The latest of each service."""
        rows = self._db.execute(
            'SELECT service, up, start, "end" FROM spells'
            " WHERE id IN (SELECT max(id) FROM spells GROUP BY service)"
        )
        return {row[0]: Spell(row[0], bool(row[1]), row[2], row[3]) for row in rows}

    def spells(self) -> dict[str, list[Spell]]:
        """All that are kept, by service."""
        found: dict[str, list[Spell]] = {}
        rows = self._db.execute('SELECT service, up, start, "end" FROM spells ORDER BY service, id')
        for service, up, start, end in rows:
            found.setdefault(service, []).append(Spell(service, bool(up), start, end))
        return found

    def save_spell(self, spell: Spell, before: Spell | None, run: int) -> None:
        """`before`: the latest one, which this is the longer form of; None: a new one."""
        if before is None:
            self._db.execute(
                "INSERT INTO spells VALUES (NULL, ?, ?, ?, ?, ?)",
                (spell.service, spell.up, spell.start, spell.end, run),
            )
        else:
            self._db.execute(
                'UPDATE spells SET "end" = ?, run = ?'
                " WHERE id = (SELECT max(id) FROM spells WHERE service = ?)",
                (spell.end, run, spell.service),
            )
