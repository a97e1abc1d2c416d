"""host.kernel: what the kernel logged within a day, the causes and not what followed."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from stackctl.model import Finding, KernelLine, Severity, Xid
from tests.unit.stackctl.box import HEALTHY, bad

HOUR = 3600.0
KILLED = "Out of memory: Killed process 4711 (VLLM::Worker) total-vm:91234kB, anon-rss:812kB"
INVOKED = "python invoked oom-killer: gfp_mask=0x140cca, order=0, oom_score_adj=0"
LIMIT = "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=docker-1.scope,task=python"
READ_ONLY = "EXT4-fs (nvme0n1p2): Remounting filesystem read-only"
TIMEOUT = "nvme nvme0: I/O 12 QID 3 timeout, reset controller"
STUCK = "INFO: task python:4711 blocked for more than 122 seconds."
OFF_BUS = "NVRM: GPU 0000:1b:00.0: GPU has fallen off the bus."


def told(*lines: tuple[str, float], xids: tuple[Xid, ...] = ()) -> dict[str, Finding]:
    """Findings by failure; the lines with their age in seconds."""
    now = time.time()
    kernel = tuple(KernelLine(text, now - age) for text, age in lines)
    found = [f for f in bad(replace(HEALTHY, kernel=kernel, xids=xids)) if f.check == "host.kernel"]
    assert len({f.subject for f in found}) == len(found)
    return {f.values["failure"]: f for f in found}


def test_what_was_logged_is_a_warning_for_a_day() -> None:
    (found,) = told((INVOKED, 7 * HOUR), (KILLED, 2 * HOUR)).values()
    assert (found.severity, found.subject) == (Severity.WARNING, "kernel host-out-of-memory")
    assert found.summary == "logged 2 times within a day"
    assert found.evidence == KILLED
    assert "ran out of memory" in found.cause
    assert "stackctl up" in found.fix
    assert told((KILLED, 25 * HOUR)) == {}


def test_what_stays_wrong_is_an_error() -> None:
    assert told((READ_ONLY, HOUR))["disk-read-only"].severity is Severity.ERROR


def test_each_trouble_is_told_but_not_what_follows_from_it() -> None:
    assert list(told((TIMEOUT, HOUR), (KILLED, 2 * HOUR))) == ["disk-timeout", "host-out-of-memory"]
    assert list(told((TIMEOUT, HOUR), (STUCK, HOUR - 30))) == ["disk-timeout"]
    assert list(told((STUCK, HOUR))) == ["kernel-hang"]


@pytest.mark.parametrize("age", [0, 50])
def test_a_container_at_its_own_limit_is_told_by_its_service(age: float) -> None:
    assert told((INVOKED, HOUR + age), (LIMIT, HOUR)) == {}


def test_a_lost_gpu_is_told_by_its_xid() -> None:
    assert list(told((OFF_BUS, HOUR))) == ["gpu-off-bus"]
    assert told((OFF_BUS, HOUR), xids=(Xid("0000:1b:00", 79, "x", time.time()),)) == {}
