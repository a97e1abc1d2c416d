"""What HAProxy says of its servers (`show stat`), and of those that wait (`show map`). Pure."""

from __future__ import annotations

import csv
from dataclasses import dataclass

#: the row of a backend as a whole
BACKEND = "BACKEND"


@dataclass(frozen=True, slots=True)
class State:
    """One server of a backend, or all of it: requests that it works on and that wait, and whether
    it gets new ones."""

    running: int = 0
    queued: int = 0
    up: bool = False


def parse(text: str) -> dict[tuple[str, str], State]:
    """(backend, server) -> its state, of the CSV that `show stat` prints."""
    rows = csv.DictReader(text.removeprefix("# ").strip().splitlines())
    return {
        (row["pxname"], row["svname"]): State(
            int(row["scur"] or 0),
            int(row["qcur"] or 0),
            row["status"].startswith(("UP", "no check")),
        )
        for row in rows
        if row.get("svname") not in (None, "FRONTEND")
    }


def rows(text: str) -> dict[str, str]:
    """Of a map that `show map` prints: an address in memory, the key, its value."""
    return dict(row.split()[1:3] for row in text.splitlines() if row.strip())
