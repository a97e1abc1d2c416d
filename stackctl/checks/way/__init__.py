"""The way from a client to the gateway, judged hop by hop. An error of what is watched is told by
`stackctl verify` as well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from stackctl.checks.way import docker, host, internet, lan
from stackctl.checks.way.step import Step
from stackctl.model import Check, Facts, Finding, Phase, Severity, Unavailable
from stackctl.model.network import Network

#: from the container outwards
STEPS: tuple[Step, ...] = (*docker.STEPS, *host.STEPS, *lan.STEPS, *internet.STEPS)


def run(network: Network) -> tuple[tuple[Step, tuple[Finding, ...]], ...]:
    """What each step finds."""
    return tuple((step, tuple(_run(step, network))) for step in STEPS)


def _run(step: Step, network: Network) -> Iterator[Finding]:
    for need in step.needs:
        fact = getattr(network, need)
        if isinstance(fact, Unavailable):
            text = f"cannot be told: {fact.reason}"
            yield Finding(step.id, Severity.SKIPPED, need, text)
            return
    yield from step.examine(network)


def _errors(step: Step) -> Callable[[Facts], Iterable[Finding]]:
    def examine(facts: Facts) -> Iterable[Finding]:
        return [f for f in _run(step, facts.network) if f.severity is Severity.ERROR]

    return examine


CHECKS = tuple(
    Check(step.id, step.title, Phase.RUNNING, _errors(step)) for step in STEPS if step.watched
)
