"""How far a long piece of work over bytes is: bars on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from stackctl.system import terminal

#: seconds between two lines where nobody watches, as in cron's mail
_EVERY = 10.0
#: bars at once; more would scroll
_BARS = 8


class Progress:
    """Bytes of named pieces, and of all together. Threads may call it."""

    def __init__(self, verb: str, total: int, bars: Any = None) -> None:
        self._verb, self._total = verb, total
        self._done = self._moved = 0
        self._began = self._told = time.monotonic()
        self._lock = Lock()
        self._bars = bars
        self._all = bars.add_task(verb, total=total) if bars else None
        self._tasks: dict[str, Any] = {}

    def advance(self, name: str, count: int, size: int, *, moved: bool = True) -> None:
        """`count` more bytes of a piece; below zero if they have to be done again. Bytes that were
        there before are not `moved`: they do not count for the rate."""
        with self._lock:
            self._done += count
            self._moved += count if moved else 0
            if self._bars:
                self._draw(name, count, size)
            elif time.monotonic() - self._told > _EVERY:
                self._told = time.monotonic()
                terminal.out(self.line())

    def ended(self, name: str) -> None:
        with self._lock:
            task = self._tasks.pop(name, None)
            if task is not None:
                self._bars.remove_task(task)

    def tell(self, text: str) -> None:
        """A line for people, above the bars."""
        if self._bars:
            self._bars.console.print(text, markup=False, highlight=False)
        else:
            terminal.out(text)

    def line(self) -> str:
        """Share, bytes, rate and time left, in one line."""
        rate = self._moved / max(time.monotonic() - self._began, 0.001)
        left = max(0, self._total - self._done)
        percent = 100 * self._done // self._total if self._total else 100
        text = f"{self._verb}: {percent:3d} %, {size(self._done)} of {size(self._total)}"
        return f"{text}, {size(rate)}/s, {duration(left / rate) if rate > 0 else '?'} left"

    def _draw(self, name: str, count: int, size: int) -> None:
        if name not in self._tasks and len(self._tasks) < _BARS:
            self._tasks[name] = self._bars.add_task(f"  {name}"[-48:], total=size)
        if name in self._tasks:
            self._bars.update(self._tasks[name], advance=count)
        self._bars.update(self._all, completed=max(0, self._done))


@contextmanager
def progress(verb: str, total: int) -> Iterator[Progress]:
    """A live picture on a terminal, plain lines elsewhere."""
    if not terminal.interactive():
        yield Progress(verb, total)
        return
    from rich import progress as rich

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.DownloadColumn(binary_units=False),
        rich.TransferSpeedColumn(),
        rich.TimeRemainingColumn(),
    )
    with rich.Progress(*columns, transient=True) as bars:
        yield Progress(verb, total, bars)


def size(count: float) -> str:
    """Bytes for people, in decimal units as publishers and disks count: 13.8 GB."""
    value, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(value) < 999.5 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit in ("B", "kB") else f"{value:.1f} {unit}"


def duration(seconds: float) -> str:
    """Seconds for people: 42 s, 3 min 5 s, 2 h 10 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
