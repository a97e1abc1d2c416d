"""Loading that hangs: no log line, no growth of GPU memory. Noticed, and explained."""

from __future__ import annotations

import time

from stackctl import facts as gather
from stackctl.catalogue import STALLED, filled, first
from stackctl.model import Driver, Finding, Observed, Severity
from stackctl.system import nvml
from stackctl.system.docker import Docker

#: asking the driver costs a few milliseconds; a hang lasts minutes
_ASK_DRIVER_EVERY = 5.0


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


def finding(docker: Docker, seen: Observed, silent: float) -> Finding:
    """What hangs, whether its weights are damaged, and what to do."""
    name = seen.service.name
    evidence = f"last line: {seen.last_line}"
    failure = ""
    if damaged := gather.damaged_model(seen.service):
        cause = f"the model is damaged: {'; '.join(damaged.problems[:3])}"
        fix = f"{damaged.fetch}; then: stackctl restart {name}"
    elif (hit := first(seen.last_line, STALLED)) and not seen.explanations:
        failure, cause, fix = hit.failure.id, hit.failure.cause, filled(hit.failure.fix, name)
    elif known := next(iter(gather.first_error(docker, seen)), None):
        failure, evidence, cause, fix = known.id, known.line, known.cause, known.fix
    else:
        cause = (
            "the structure of the weights is whole; wrong bytes inside, a slow disk or a hung "
            "driver remain"
        )
        fix = f"stackctl logs {name}; sudo dmesg | tail; then stackctl restart {name}"
    return Finding(
        "service.ready",
        Severity.ERROR,
        name,
        f"hangs while loading ({seen.progress.stage}): no log line and no growth of GPU memory "
        f"for {silent:.0f} s",
        evidence=evidence,
        cause=cause,
        fix=fix,
        values={"stage": seen.progress.stage, "silent_s": silent, "failure": failure},
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
