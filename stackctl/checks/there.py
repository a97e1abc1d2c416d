"""Does everything that `up` brought up still have a container?"""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.model import Check, Facts, Finding, Phase, Severity

ID = "service.there"


def there(facts: Facts) -> Iterable[Finding]:
    seen = {o.service.name for o in facts.observed}
    for name in facts.wanted:
        if name not in seen:
            yield Finding(
                ID,
                Severity.ERROR,
                name,
                "has no container",
                cause="`stackctl up` brought it up, and somebody removed it by another way",
                fix=f"stackctl up {name}; if it is not to run: stackctl down {name}",
            )


CHECKS = (
    Check(ID, "What was brought up has a container", Phase.RUNNING, there, needs=("daemon",)),
)
