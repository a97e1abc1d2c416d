"""Does the service run that makes tool calls for engines that have none?"""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.model import Check, Facts, Finding, Phase, Severity

ID = "tools.emulated"


def emulated(facts: Facts) -> Iterable[Finding]:
    asked = [(service.name, service) for service in facts.planned]
    asked = asked or [(o.container.name, o.service) for o in facts.observed]
    for name, service in asked:
        if name in facts.toolless:
            yield Finding(
                ID,
                Severity.ERROR,
                service.name,
                "its tool calls are to be emulated, and nothing does it",
                cause="the role tools does not run",
                fix="add tools to COMPOSE_PROFILES in env/stack.env, then: stackctl up tools",
            )


CHECKS = (Check(ID, "Emulated tool calls are made by somebody", Phase.BOTH, emulated),)
