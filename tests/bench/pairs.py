"""Two things timed in turn, and the ratio of their times against a bar."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

Action = Callable[[], object]


def nothing() -> None:
    """No preparation."""


@dataclass(frozen=True)
class Pairs:
    """Seconds of ours and of theirs, one of each per repetition."""

    name: str
    bar: float
    ours: tuple[float, ...]
    theirs: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        return tuple(a / b for a, b in zip(self.ours, self.theirs, strict=True))

    @property
    def ratio(self) -> float:
        """The median of the pairs' ratios: what else ran hits both of a pair."""
        return statistics.median(self.ratios)

    @property
    def passed(self) -> bool:
        return self.ratio <= self.bar


def measure(
    name: str, bar: float, ours: Action, theirs: Action, times: int, before: Action = nothing
) -> Pairs:
    """Both in turn, `before` ahead of each; who comes first changes with every repetition."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for repetition in range(times):
        for is_ours in (True, False) if repetition % 2 else (False, True):
            before()
            began = time.perf_counter()
            (ours if is_ours else theirs)()
            seconds[is_ours].append(time.perf_counter() - began)
    return Pairs(name, bar, tuple(seconds[True]), tuple(seconds[False]))


def table(rows: list[Pairs]) -> str:
    """Milliseconds as minimum/median, and the verdict."""
    header = ("", "ours min/median", "theirs min/median", "ratio min/median", "bar", "")
    cells = [header, *(_row(pairs) for pairs in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def _row(pairs: Pairs) -> tuple[str, ...]:
    return (
        pairs.name,
        _milliseconds(pairs.ours),
        _milliseconds(pairs.theirs),
        f"{min(pairs.ratios):.2f} / {pairs.ratio:.2f}",
        f"{pairs.bar:.2f}",
        "PASS" if pairs.passed else "FAIL",
    )


def _milliseconds(seconds: tuple[float, ...]) -> str:
    return f"{min(seconds) * 1000:.0f} / {statistics.median(seconds) * 1000:.0f} ms"
