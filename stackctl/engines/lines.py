"""Finding the few telling lines of a log that may have hundreds of megabytes."""

from __future__ import annotations

from collections.abc import Sequence

from stackctl.model import Progress


def having(log: str, *markers: str) -> list[str]:
    """The lines that contain one of these texts, in the order of the log.

    By searching for the texts: dividing the whole log into lines would take longer, and memory.
    """
    spans: dict[int, int] = {}
    for marker in markers:
        at = log.find(marker)
        while at >= 0:
            start = log.rfind("\n", 0, at) + 1
            end = log.find("\n", at)
            end = len(log) if end < 0 else end
            spans[start] = end
            at = log.find(marker, end)
    return [log[start : spans[start]].strip() for start in sorted(spans)]


def stage(log: str, stages: Sequence[tuple[str, str, int]]) -> Progress | None:
    """The furthest stage in the log; `stages` are (text, name, per cent), the last one first."""
    return next((Progress(name, percent) for text, name, percent in stages if text in log), None)
