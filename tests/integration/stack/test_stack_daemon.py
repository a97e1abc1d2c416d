"""The Docker daemon itself goes away under a running stack, and comes back."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.integration.stack.box import PATIENCE
from tests.integration.stack.island import ROLES, Island
from tests.integration.stack.watching import healed, timer, told

pytestmark = [pytest.mark.docker, pytest.mark.stack]


def ids(isle: Island) -> dict[str, str]:
    return {role: isle.inspect(role)["Id"] for role in ROLES}


def told_and_refused(isle: Island, number: int) -> None:
    """Nobody is blamed but the daemon: that its containers cannot be seen is no fault of theirs."""
    with told(isle) as news:
        assert timer(isle).code == 0
        isle.end_daemon(number)
        for _ in range(2):
            gone = timer(isle)
            assert gone.code == 1
            assert "the Docker daemon is not running  [docker.daemon]" in gone.out
            assert "fix:" in gone.out
            assert not any(f"{role}: " in gone.out for role in ROLES), gone.out
        (letter,) = news()
        assert "docker: the Docker daemon is not running" in letter
    for verb in ("heal", "up"):
        refused = isle.stackctl(verb)
        assert refused.code == 1
        assert "the Docker daemon is not running" in refused.out + refused.err


def test_stopped_and_started(isle: Island) -> None:
    """Docker starts its containers again, and nobody makes new ones."""
    before = {role: isle.inspect(role)["Id"] for role in ROLES}
    told_and_refused(isle, signal.SIGTERM)
    isle.start_daemon()
    deadline = time.monotonic() + PATIENCE
    while set(isle.containers().values()) != {"running"}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    healed(isle, 3)
    assert {role: isle.inspect(role)["Id"] for role in ROLES} == before
    assert isle.verify("--answers").problems == set()


def test_killed_and_started(isle: Island) -> None:
    """The engines go on without it; the next daemon ends them, and may not start them again."""
    pids = [isle.inspect(role)["State"]["Pid"] for role in ROLES]
    told_and_refused(isle, signal.SIGKILL)
    assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    isle.start_daemon()
    healed(isle, 5)
    assert isle.verify("--answers").problems == set()
