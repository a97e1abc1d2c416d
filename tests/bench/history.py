"""The memory of the box: a month of one run a minute, its size, and how fast it answers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from stackctl.model import Finding, Severity
from stackctl.model.incident import Figure, Incident
from tests.bench.models import Limit

MONTH = 30 * 1440
START = 1_790_000_000.0
ROLES = ("main", "coder", "audio", "image")


def findings(run: int) -> tuple[Finding, ...]:
    """35 of a run: fine ones, one that tells a new temperature each minute, two that flap."""
    found = [
        Finding(f"check.{n}", Severity.OK, ROLES[n % 4], f"fine, {run} times in a row")
        for n in range(32)
    ]
    hot = f"{60 + run % 30} C for {run} minutes"
    found.append(Finding("gpu.health", Severity.WARNING, "GPU 0", hot, "x" * 900, "dust", "clean"))
    for n, role in enumerate(ROLES[:2]):
        state = Severity.ERROR if run % (2 + n) else Severity.OK
        found.append(Finding("service.answers", state, role, f"answers {run % 7}", "log " * 20))
    return tuple(found)


def figures(run: int) -> tuple[Figure, ...]:
    """Of four GPUs and four services, as `verify --record` keeps them."""
    names = ("up", "memory_used_mib", "memory_total_mib", "temperature", "power", "utilization")
    gpus = [Figure(f"gpu_{name}", str(n), run % 48000) for n in range(4) for name in names]
    kinds = ("up", "restarts", "gpu_memory_mib")
    return (*gpus, *(Figure(f"service_{kind}", role, run % 2) for role in ROLES for kind in kinds))


def fill(folder: Path, runs: int, batch: int = 1000) -> None:
    """As many runs, some in one transaction to be done with it today."""
    from stackctl.system import history
    from stackctl.system.history import History
    from stackctl.watch import uptime

    def some(book: History, first: int) -> None:
        for run in range(first, min(first + batch, runs)):
            now = START + 60 * run
            number = book.add_run(now, findings(run), figures(run))
            up = {role: bool(run % 97) for role in ROLES}
            for spell, before in uptime.step(book.last_spells(), up, now, 150):
                book.save_spell(spell, before, number)
            if run % 720 == 0:
                severity = Severity.ERROR
                book.save(Incident(run + 1, "a", "main", severity, "bad", now, ended=now + 300))
                book.note(run + 1, now, "recreated")

    for first in range(0, runs, batch):
        history.keep(folder, lambda book, first=first: some(book, first))  # type: ignore[misc]


def size(folder: Path) -> float:
    """MB, everything that SQLite writes."""
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


def query(folder: Path, runs: int) -> float:
    """Seconds for all that `stackctl history --since 4w` asks and works out."""
    from stackctl.system import history
    from stackctl.watch import uptime

    now = START + 60 * runs

    def ask() -> None:
        incidents, spells = history.look(
            folder, lambda book: (book.incidents_since(now - 28 * 86400), book.spells())
        )
        assert incidents
        for of_service in spells.values():
            for window in uptime.WINDOWS.values():
                uptime.over(of_service, now, window)

    return min(_timed(ask) for _ in range(5))


def bars(folder: Path) -> list[Limit]:
    """Both limits."""
    fill(folder, MONTH)
    return [
        Limit("history of a month of one-minute runs", size(folder), 50, "MB"),
        Limit("what stackctl history asks of it", query(folder, MONTH) * 1000, 100, "ms"),
    ]


def _timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
