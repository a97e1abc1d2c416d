"""Does the gateway send requests to every service that is ready?"""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.model import Check, Facts, Finding, Phase, Severity, Unavailable

ID = "gateway.reaches"


def reaches(facts: Facts) -> Iterable[Finding]:
    assert not isinstance(facts.unreached, Unavailable)
    for o in facts.observed:
        if o.container.name in facts.unreached:
            yield unreached(o.service.name)


def unreached(name: str) -> Finding:
    """A service that is ready, and that clients do not get at."""
    return Finding(
        ID,
        Severity.ERROR,
        name,
        "is ready, and the gateway sends it no requests",
        cause="the two are in no common network, or somebody told the gateway to leave it out",
        fix=f"stackctl restart gateway; stackctl up {name}",
    )


CHECKS = (
    Check(ID, "The gateway reaches every service", Phase.RUNNING, reaches, needs=("unreached",)),
)
