"""What it costs to look after a box, and how soon it is mended."""

from __future__ import annotations

import resource
import statistics
from pathlib import Path

from tests.bench.models import Limit
from tests.integration.stack.box import Box, docker, gpusim

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
    """Intervals of the timer from a fault to green, the worse of two faults."""
    most = 0
    for fault in (_revoke, _remove):
        fault(box)
        most = max(most, _runs(box))
    return Limit("from a fault to healed", most, 3, "runs of the timer")


def bars(box: Box) -> list[Limit]:
    """Both limits; needs the simulated GPUs to oneself."""
    assert box.stackctl("up").code == 0
    for file in (box.home / ".stackctl").glob("history*"):
        file.unlink()
    return [cpu(box), runs_until_healed(box)]


def _runs(box: Box) -> int:
    for number in range(1, 10):
        result = box.stackctl(*TIMER)
        if result.code == 0 and "ERROR" not in result.out:
            return number
    raise AssertionError("it is not healed at all")


def _revoke(box: Box) -> None:
    gpusim("fault", "cgroup-denied", "--container", box.container("coder"))


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
