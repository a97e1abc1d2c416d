"""`stackctl verify`: is everything as promised?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from stackctl import facts as gather
from stackctl import report, settings
from stackctl.checks import CHECKS, run, worst
from stackctl.commands.plan import select
from stackctl.model import Driver, Facts, Finding, Phase, Severity
from stackctl.system import terminal
from stackctl.system.docker import Docker


def verify(roles: Sequence[str], *, project: str | None, answers: bool, as_json: bool) -> int:
    """Check all services, or those of `roles`, from their labels alone. 1 if one is in error."""
    facts = gather.verify(Docker(), project=settings.chosen_project(project), answers=answers)
    if roles:
        chosen = select([o.service for o in facts.observed], roles)
        facts = replace(facts, observed=tuple(o for o in facts.observed if o.service in chosen))
    findings = _judge(facts)
    simulated = isinstance(facts.driver, Driver) and facts.driver.simulated
    failed = worst(findings) is Severity.ERROR
    if as_json:
        terminal.out(report.as_json(findings, ok=not failed, simulated=simulated))
    else:
        if simulated:
            terminal.out(report.SIMULATION + "\n")
        terminal.out(report.text(findings, colour=terminal.colour()))
        terminal.out("\n" + report.summary(findings))
    return 1 if failed else 0


def _judge(facts: Facts) -> tuple[Finding, ...]:
    """All findings; where several projects run here, a service is named with its project."""
    projects = {o.container.project for o in facts.observed}
    if len(projects) < 2:
        return run(CHECKS, facts, Phase.RUNNING)
    apart = tuple(
        replace(o, service=replace(o.service, name=f"{o.container.project}/{o.service.name}"))
        for o in facts.observed
    )
    found = run(CHECKS, replace(facts, observed=apart), Phase.RUNNING)
    return tuple(replace(f, fix=_typed(f.fix, projects)) for f in found)


def _typed(fix: str, projects: set[str]) -> str:
    """What is typed names the role alone; the project is the one of the folder it is typed in."""
    for project in projects:
        fix = fix.replace(f"{project}/", "")
    return fix


def list_checks(*, as_json: bool) -> int:
    """The checks there are, in the order in which they run."""
    if as_json:
        rows = [{"id": c.id, "title": c.title, "phase": c.phase} for c in CHECKS]
        terminal.out(json.dumps(rows, indent=2))
    else:
        terminal.out(report.table(("CHECK", "WHAT"), [(c.id, c.title) for c in CHECKS]))
    return 0
