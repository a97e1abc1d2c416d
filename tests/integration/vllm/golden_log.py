"""Recorded logs, compared with what the engine of today writes."""

from __future__ import annotations

import re

from tests.unit.stackctl.box import LOGS

# of a run, not of the engine: which process ended first, how fast it came forward, times, process
# ids, addresses, sizes
_ACCIDENTAL = re.compile(r"(?<=proc\(s\): )\{.*\}|\[\d+:\d+<.*|[0-9a-f]{8,}|\d+(?:[.,:]\d+)*")


def missing_lines(name: str, log: str) -> list[str]:
    """Lines of the recorded log that are not in this one. What is new here is of no matter."""
    written = {_ACCIDENTAL.sub("#", line.rstrip()) for line in log.splitlines()}
    recorded = (LOGS / name).read_text(encoding="utf-8").splitlines()
    return [line for line in recorded if _ACCIDENTAL.sub("#", line.rstrip()) not in written]
