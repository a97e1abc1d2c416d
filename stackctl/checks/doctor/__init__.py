"""Every check of the doctor in the order in which it is told, and the loop that runs them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from stackctl.checks.doctor import bus, cards, cdi, docker, driver, network, room
from stackctl.model import Finding, Severity, Unavailable
from stackctl.model.host import HostFacts, Look

LOOKS: tuple[Look, ...] = (
    *driver.LOOKS,
    *cards.LOOKS,
    *bus.LOOKS,
    *cdi.LOOKS,
    *docker.LOOKS,
    *network.LOOKS,
    *room.LOOKS,
)


def run(looks: Iterable[Look], facts: HostFacts) -> tuple[Finding, ...]:
    """All findings. A check that crashes is a finding of its own; the rest go on."""
    return tuple(_run(looks, facts))


def _run(looks: Iterable[Look], facts: HostFacts) -> Iterator[Finding]:
    for look in looks:
        lacking = [n for n in look.needs if isinstance(getattr(facts, n), Unavailable)]
        if lacking:
            why = getattr(facts, lacking[0]).reason
            yield Finding(look.id, Severity.SKIPPED, lacking[0], f"cannot be checked: {why}")
            continue
        try:
            yield from look.examine(facts)
        except Exception as error:  # noqa: BLE001 - one broken check must not hide the others
            yield Finding(
                look.id,
                Severity.ERROR,
                "stackctl",
                f"this check crashed: {type(error).__name__}: {error}",
                cause="a bug in stackctl",
                fix="report it with the output of `stackctl doctor --json`",
            )
