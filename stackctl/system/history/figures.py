"""Figures of runs, compactly: four bytes each, their names once."""

from __future__ import annotations

import json
import math
import sqlite3
import struct
from collections.abc import Iterable

from stackctl.model.incident import Figure


def write(db: sqlite3.Connection, run: int, now: float, figures: Iterable[Figure]) -> None:
    """One row for one run."""
    by_name = {(f.name, f.of): f.value for f in figures}
    names = sorted(by_name)
    text = json.dumps(names)
    db.execute("INSERT OR IGNORE INTO layouts (names) VALUES (?)", (text,))
    (layout,) = db.execute("SELECT id FROM layouts WHERE names = ?", (text,)).fetchone()
    blob = struct.pack(f"<{len(names)}f", *(_fits(by_name[name]) for name in names))
    db.execute("INSERT INTO runs VALUES (?, ?, ?, ?)", (run, now, layout, blob))


def read(db: sqlite3.Connection, name: str, of: str, last: int) -> list[tuple[float, float]]:
    """(time, value) of one figure over the last runs, oldest first."""
    places = {}
    for layout, text in db.execute("SELECT id, names FROM layouts"):
        names = json.loads(text)
        if [name, of] in names:
            places[layout] = 4 * names.index([name, of])
    rows = db.execute("SELECT at, layout, figures FROM runs ORDER BY id DESC LIMIT ?", (last,))
    found = [
        (at, struct.unpack_from("<f", blob, places[layout])[0])
        for at, layout, blob in rows
        if layout in places
    ]
    return [(at, value) for at, value in reversed(found) if not math.isnan(value)]


def _fits(value: float) -> float:
    """As four bytes; what does not fit is no figure."""
    return value if abs(value) < 3e38 else math.nan
