"""The lock of those who break this machine's simulated GPUs: one process at a time.

The GPUs and their faults are the same for every container of the machine.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from gpusim.paths import RUN_DIR

TESTS_LOCK = RUN_DIR / "tests.lock"
#: seconds; another run of all tests has ended by then
PATIENCE = 900.0

# flock() of a second descriptor would wait for the first one of the same process for ever
_held: list[IO[str]] = []


@contextmanager
def healthy_gpus() -> Iterator[None]:
    """Alone with this machine's GPUs, which are healthy before and after. May be nested."""
    if _held:
        _clear()
        try:
            yield
        finally:
            _clear()
        return
    with TESTS_LOCK.open("w", encoding="utf-8") as lock:
        _wait_for(lock)
        _held.append(lock)
        try:
            _clear()
            yield
        finally:
            _clear()
            _held.clear()


def _wait_for(lock: IO[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise AssertionError(f"{TESTS_LOCK} is held by another run of the tests") from None
            time.sleep(0.2)
        else:
            return


def _clear() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gpusim", "clear"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr
