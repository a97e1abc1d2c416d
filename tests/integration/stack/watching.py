"""What the timer runs, and what of the stack is another one after it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stackctl.system.history import NAME, refuge
from tests.integration.stack.box import PATIENCE, REPOSITORY, ROLES, Box, Result

TIMER = ("verify", "--heal", "--record", "--quiet")


def started(box: Box) -> dict[str, str]:
    """Role -> container and when it was started; "" where there is none."""
    there = box.containers()
    seen = {r: box.inspect(r) for r in ROLES if r in there}
    return {r: seen[r]["Id"] + seen[r]["State"]["StartedAt"] if r in seen else "" for r in ROLES}


def changed(box: Box, before: dict[str, str]) -> set[str]:
    after = started(box)
    return {role for role in ROLES if after[role] != before[role]}


def timer(box: Box) -> Result:
    result = box.stackctl(*TIMER)
    assert result.code in (0, 1), result.text
    assert "Traceback" not in result.text
    return result


def healed(box: Box, runs: int = 2) -> str:
    """What the runs of the timer said until all was green; not more than so many."""
    said = ""
    for _ in range(runs):
        result = timer(box)
        said += result.out
        if result.code == 0 and "ERROR" not in result.out:
            return said
    raise AssertionError(said)


@contextmanager
def told(box: Box) -> Iterator[Callable[[], list[str]]]:
    """Alerts go to somebody: the messages that arrived since the last call."""
    letters = box.home.parent / "letters"
    port = letters.with_suffix(".port")
    for file in (letters, port):
        file.unlink(missing_ok=True)
    argv = box.inside(sys.executable, "-m", "tests.integration.stack.sink", str(letters))
    sink = subprocess.Popen(argv, cwd=REPOSITORY)
    try:
        deadline = time.monotonic() + PATIENCE
        while not (port.exists() and port.read_text()):
            assert sink.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        box.env["STACKCTL_ALERT_URLS"] = f"json://127.0.0.1:{port.read_text()}/"
        told = 0

        def news() -> list[str]:
            nonlocal told
            lines = letters.read_text().splitlines() if letters.exists() else []
            told, new = len(lines), lines[told:]
            return new

        yield news
    finally:
        box.env.pop("STACKCTL_ALERT_URLS", None)
        sink.kill()
        sink.wait()


@contextmanager
def forgotten(box: Box) -> Iterator[None]:
    """Nothing is remembered of the box, before and after: attempts of other tests do not count."""

    def forget() -> None:
        state = box.home / ".stackctl"
        memory = refuge.place(state / NAME).parent
        for file in box.seen(state).glob("history*"):
            file.unlink()
        shutil.rmtree(memory, ignore_errors=True)
        box.kernel_log.write_text("")

    forget()
    yield
    forget()
