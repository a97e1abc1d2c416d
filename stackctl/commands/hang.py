"""Loading that hangs: no log line, no growth of GPU memory. Noticed, and explained."""

from __future__ import annotations

import re
import time

from stackctl import facts as gather
from stackctl.model import Driver, Finding, Observed, Severity
from stackctl.system import nvml

#: asking the driver costs a few milliseconds; a hang lasts minutes
_ASK_DRIVER_EVERY = 5.0
#: what the last line says of the cause: pattern, cause, fix
_LAST_WORDS = (
    (
        r"vLLM is using nccl|NCCL (?:INFO|version)|init_process_group",
        "the GPUs cannot talk to each other: IOMMU or ACS breaks peer-to-peer transfers",
        "kernel argument iommu=pt and ACS off, then reboot; until then NCCL_P2P_DISABLE=1 in the "
        "service's environment",
    ),
    (
        r"[Dd]ownload|[Ff]etching \d+ files|Waiting for .*lock",
        "the engine downloads the model, or waits for another download of it",
        "download it first; remove the *.lock files of a download that was broken off",
    ),
    (
        r"[Cc]apturing|torch\.compile|[Cc]ompil|autotun",
        "kernels are compiled, which can take long without a word the first time",
        "wait longer: stackctl up --stall 1800",
    ),
)


class SignOfLife:
    """How long a loading service has shown none: same last line, same stage, same GPU memory."""

    def __init__(self) -> None:
        self._seen: object = None
        self._since = time.monotonic()
        self._held = 0
        self._asked = 0.0

    def silence(self, now: Observed) -> float:
        """Seconds since anything changed."""
        at = time.monotonic()
        if at - self._asked > _ASK_DRIVER_EVERY:
            self._asked = at
            self._held = _held_mib(now.container.id)
        signs = (now.last_line, now.progress, self._held)
        if signs != self._seen:
            self._seen, self._since = signs, at
        return at - self._since


def finding(seen: Observed, silent: float) -> Finding:
    """What hangs, whether its weights are damaged, and what to do."""
    name = seen.service.name
    known = seen.explanations[0] if seen.explanations else None
    cause, fix = "", ""
    if damaged := gather.damaged_model(seen.service):
        cause = f"the model is damaged: {'; '.join(damaged.problems[:3])}"
        fix = f"{damaged.fetch}; then: stackctl restart {name}"
    elif known:
        cause, fix = known.cause, known.fix
    else:
        for pattern, because, how in _LAST_WORDS:
            if re.search(pattern, seen.last_line):
                cause, fix = because, how
                break
    return Finding(
        "service.ready",
        Severity.ERROR,
        name,
        f"hangs while loading ({seen.progress.stage}): no log line and no growth of GPU memory "
        f"for {silent:.0f} s",
        evidence=f"last line: {seen.last_line}",
        cause=cause
        or "the structure of the weights is whole; wrong bytes inside, a slow disk or a "
        "hung driver remain",
        fix=fix or f"stackctl logs {name}; sudo dmesg | tail; then stackctl restart {name}",
        values={"stage": seen.progress.stage, "silent_s": silent},
    )


def _held_mib(container_id: str) -> int:
    driver = nvml.read()
    if not isinstance(driver, Driver):
        return 0
    return sum(
        process.used_mib
        for gpu in driver.gpus
        for process in gpu.processes
        if process.container_id == container_id
    )
