"""Every check in the order of dependence, and the one loop that runs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stackctl.checks import (
    cuda,
    daemon,
    driver,
    gateway,
    gpus,
    host,
    kernel,
    logs,
    models,
    proof,
    services,
    support,
    there,
    tls,
    tools,
    way,
)
from stackctl.model import Check, Facts, Finding, Phase, Severity, Unavailable

CHECKS: tuple[Check, ...] = (
    *daemon.CHECKS,
    *driver.CHECKS,
    *host.CHECKS,
    *kernel.CHECKS,
    *models.CHECKS,
    *support.CHECKS,
    *there.CHECKS,
    *services.CHECKS[:1],
    *logs.CHECKS,
    *gpus.CHECKS[:2],
    *cuda.CHECKS,
    *gpus.CHECKS[2:],
    *services.CHECKS[1:2],
    *proof.CHECKS,
    *services.CHECKS[2:],
    *tools.CHECKS,
    *gateway.CHECKS,
    *tls.CHECKS,
    *way.CHECKS,
)

#: the subject of a check that crashed
CRASHED = "stackctl"


def run(checks: Iterable[Check], facts: Facts, phase: Phase) -> tuple[Finding, ...]:
    """All findings of one phase. A check that crashes is a finding of its own; the rest go on."""
    return tuple(_run(checks, facts, phase))


def _run(checks: Iterable[Check], facts: Facts, phase: Phase) -> Iterator[Finding]:
    for check in checks:
        if check.phase not in (phase, Phase.BOTH):
            continue
        lacking = [n for n in check.needs if isinstance(getattr(facts, n), Unavailable)]
        if lacking:
            why = getattr(facts, lacking[0]).reason
            yield Finding(check.id, Severity.SKIPPED, lacking[0], f"cannot be checked: {why}")
            continue
        try:
            yield from check.examine(facts)
        except Exception as error:  # noqa: BLE001 - one broken check must not hide the others
            yield Finding(
                check.id,
                Severity.ERROR,
                CRASHED,
                f"this check crashed: {type(error).__name__}: {error}",
                cause="a bug in stackctl",
                fix="report it with the output of `stackctl verify --json`",
            )


def worst(findings: Iterable[Finding]) -> Severity:
    """The worst severity of all; OK when there is none."""
    order = list(Severity)
    return max((f.severity for f in findings), key=order.index, default=Severity.OK)
