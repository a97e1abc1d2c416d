"""The user's terminal: plain lines, and a live picture where it can show one."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


def out(text: str) -> None:
    print(text)  # noqa: T201


def err(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201


def colour() -> bool:
    """Whether to paint: a terminal, and nobody who objects (no-color.org)."""
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def interactive() -> bool:
    return sys.stdout.isatty()


@dataclass
class Board:
    """What each service is doing. Several threads write; lines or a live table come out."""

    started: float = field(default_factory=time.monotonic)
    _stages: dict[str, tuple[str, int | None, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _live: Any = None

    def set(self, name: str, stage: str, percent: int | None = None, *, done: bool = False) -> None:
        """A service's stage. As a plain line it is printed only when its words change."""
        with self._lock:
            before = self._stages.get(name)
            self._stages[name] = (stage, percent, time.monotonic() if done else 0.0)
            changed = before is None or before[0] != stage
            if self._live is None and changed:
                seconds = time.monotonic() - self.started
                out(f"{seconds:7.1f}s  {name:<10} {stage}")
                sys.stdout.flush()

    def render(self) -> Any:
        from rich.table import Table

        grid = Table.grid(padding=(0, 2))
        now = time.monotonic()
        with self._lock:
            rows = list(self._stages.items())
        for name, (stage, percent, ended) in rows:
            mark = f"{percent:3d} %" if percent is not None and not ended else ""
            grid.add_row(name, f"{(ended or now) - self.started:6.1f}s", stage, mark)
        return grid


@contextmanager
def board() -> Iterator[Board]:
    """A live picture on a terminal, plain lines elsewhere."""
    view = Board()
    if not interactive():
        yield view
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(highlight=False)
    with Live(console=console, get_renderable=view.render, refresh_per_second=8) as live:
        view._live = live
        yield view
