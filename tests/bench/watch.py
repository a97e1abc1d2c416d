"""What it costs to look after a box, and how soon it is mended."""

from __future__ import annotations

import os
import resource
import signal
import statistics
from pathlib import Path

from tests.bench.models import Limit
from tests.integration.stack.box import ROLES, Box, docker, gpusim
from tests.integration.stack.spoil import cuda_inside
from tests.unit.stackctl.watch.week import missed_and_doubled, week

#: the command of the timer
TIMER = ("verify", "--heal", "--record", "--quiet")
_RUNS = 9


def cpu(box: Box) -> Limit:
    """CPU seconds of one run, with all it starts: nothing is wrong on the four services."""
    times = []
    for _ in range(_RUNS):
        before = _used()
        assert box.stackctl(*TIMER).code == 0
        times.append(_used() - before)
    seconds = statistics.median(times)
    return Limit("one run of the timer on four services", seconds, 1, "CPU seconds")


def runs_until_healed(box: Box) -> Limit:
    """Intervals of the timer from a fault to green, the worst of all faults that can be mended."""
    most = 0
    for fault in (_revoke, _revoke_all, _spoil, _remove, _stop, _hang):
        fault(box)
        most = max(most, _runs(box))
        # the breaker would count them all as attempts at the same trouble
        _forget(box)
    return Limit("from a fault to healed, the worst of 6", most, 3, "runs of the timer")


def alerts() -> list[Limit]:
    """Messages of a scripted week of one-minute runs with forty incidents, by a simulated clock."""
    missed, doubled = missed_and_doubled(week())
    name = "of a week of 40 incidents,"
    return [
        Limit(f"{name} missed", missed, 1, "alerts"),
        Limit(f"{name} told twice", doubled, 1, "alerts"),
    ]


def bars(box: Box) -> list[Limit]:
    """All limits; needs the simulated GPUs to oneself."""
    assert box.stackctl("up").code == 0
    _forget(box)
    return [cpu(box), runs_until_healed(box), *alerts()]


def _runs(box: Box) -> int:
    for number in range(1, 10):
        result = box.stackctl(*TIMER)
        if result.code == 0 and "ERROR" not in result.out:
            return number
    raise AssertionError("it is not healed at all")


def _revoke(box: Box) -> None:
    gpusim("fault", "cgroup-denied", "--container", box.container("coder"))


def _revoke_all(box: Box) -> None:
    for role in ROLES:
        gpusim("fault", "cgroup-denied", "--container", box.container(role))


def _spoil(box: Box) -> None:
    cuda_inside(box, "coder")


def _stop(box: Box) -> None:
    docker("stop", box.container("image"))


def _hang(box: Box) -> None:
    rows = docker("top", box.container("main"), "-eo", "pid,comm").splitlines()[1:]
    pids = [int(row.split()[0]) for row in rows if row.split()[1].startswith("llama-server")]
    assert pids, rows
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)


def _forget(box: Box) -> None:
    for file in (box.home / ".stackctl").glob("history*"):
        file.unlink()


def _remove(box: Box) -> None:
    docker("rm", "--force", box.container("audio"))


def _used() -> float:
    """Of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    import tempfile

    from tests.integration.gpu_lock import healthy_gpus
    from tests.integration.stack.box import box as new_box

    gpusim("install")
    with healthy_gpus(), tempfile.TemporaryDirectory() as folder, new_box(Path(folder)) as mine:
        print(*bars(mine), sep="\n")
