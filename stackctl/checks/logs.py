"""Can each service's log be read, and has it an end?"""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.model import Check, Facts, Finding, Phase, Severity

ID = "service.log"
_FIX = (
    "give it the logging of compose/engines/base.yaml (json-file with max-size), then: "
    "stackctl restart {}"
)


def logs(facts: Facts) -> Iterable[Finding]:
    for o in facts.observed:
        driver = o.container.log_driver
        if o.unread:
            yield Finding(
                ID,
                Severity.WARNING,
                o.service.name,
                "its log cannot be read",
                evidence=o.unread,
                cause=f"its log driver is {driver or 'not told'}; so nobody can tell how far it is "
                "with loading or why it ends; that it is on the GPU is the driver's word alone",
                fix=_FIX.format(o.service.name),
                values={"driver": driver},
            )
        elif not o.container.log_bounded:
            yield Finding(
                ID,
                Severity.WARNING,
                o.service.name,
                "its log grows without end",
                evidence=f"log driver {driver} without max-size",
                cause="Docker keeps every line until its disk is full, and then nothing runs",
                fix=_FIX.format(o.service.name),
                values={"driver": driver},
            )


CHECKS = (Check(ID, "The log can be read, and has an end", Phase.RUNNING, logs),)
