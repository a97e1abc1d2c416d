"""One look at what runs: facts, what the checks make of them, and how it is told."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from stackctl import facts as gather
from stackctl import report, settings
from stackctl.checks import CHECKS, run, there, worst
from stackctl.commands import wanted
from stackctl.commands.plan import select
from stackctl.facts import gateway, network, tls, tools
from stackctl.facts.whose import beside
from stackctl.model import Driver, Facts, Finding, Phase, Severity
from stackctl.system import files, terminal
from stackctl.system.docker import Docker

#: seconds: the driver lists a process a moment after it took memory, which is soon after its start
_SETTLE, _YOUNG = 5.0, 60.0
_PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Look:
    """Services are named in the facts as in the findings."""

    facts: Facts
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> bool:
        return worst(self.findings) is Severity.ERROR

    @property
    def simulated(self) -> bool:
        return isinstance(self.facts.driver, Driver) and self.facts.driver.simulated


def look(roles: Sequence[str], project: str | None, *, answers: bool = False) -> Look:
    """All services, or those of `roles`, from their labels; and those that are to be there."""
    until = time.monotonic() + _SETTLE
    while True:
        seen = _look(roles, project, answers)
        if not _driver_lags(seen) or time.monotonic() > until:
            return seen
        time.sleep(_PAUSE)


def _driver_lags(seen: Look) -> bool:
    """Whether the driver speaks against an engine that has just started, as it may for a moment."""
    young = {
        o.service.name
        for o in seen.facts.observed
        if time.time() - o.container.since < _YOUNG and o.container.running
    }
    return any(
        f.severity is Severity.ERROR and "held_mib" in f.values and f.subject in young
        for f in seen.findings
    )


def _look(roles: Sequence[str], project: str | None, answers: bool) -> Look:
    chosen = settings.chosen_project(project)
    facts = beside(gather.verify(Docker(), project=chosen, answers=answers))
    root = settings.find_root()
    facts = replace(
        facts,
        network=network.watched(facts.observed),
        tls=tls.look(root, facts.observed),
        unreached=gateway.unreached(facts.observed),
        toolless=tools.toolless(facts.observed),
    )
    missed = wanted.load(root / ".stackctl", chosen)
    if roles:
        # one that has no container may be named as well
        known = [o.service for o in facts.observed]
        lost = {name for _, name in missed} - {s.name for s in known}
        named = [role for role in roles if role not in lost]
        mine = select(known, named) if named else ()
        facts = replace(facts, observed=tuple(o for o in facts.observed if o.service in mine))
        missed = tuple(each for each in missed if each[1] in roles)
    return aside(judge(facts, missed), files.holder(root / ".stackctl" / "lock"))


def judge(facts: Facts, missed: Sequence[wanted.Name] = ()) -> Look:
    """All findings; where several projects run here, a service is named with its project."""
    projects = {o.container.project for o in facts.observed} | {project for project, _ in missed}
    if len(projects) < 2:
        facts = replace(facts, wanted=tuple(name for _, name in missed))
        return Look(facts, run(CHECKS, facts, Phase.RUNNING))
    facts = replace(
        facts,
        observed=tuple(
            replace(o, service=replace(o.service, name=f"{o.container.project}/{o.service.name}"))
            for o in facts.observed
        ),
        wanted=tuple(f"{project}/{name}" for project, name in missed),
    )
    found = run(CHECKS, facts, Phase.RUNNING)
    return Look(facts, tuple(replace(f, fix=_typed(f.fix, projects)) for f in found))


def aside(seen: Look, holder: str) -> Look:
    """Without a word on a role that `tune`, the lock's holder, makes what it wants of."""
    if not (tuned := re.search(r"stackctl tune (\S+)`", holder)):
        return seen
    subjects = {f.subject for f in seen.findings if f.subject.rpartition("/")[2] == tuned[1]}
    skipped = (
        replace(f, severity=Severity.SKIPPED) if f.subject in subjects else f for f in seen.findings
    )
    told = "is being tuned, and serves no clients meanwhile"
    said = (Finding(there.ID, Severity.OK, subject, told) for subject in sorted(subjects))
    return replace(seen, findings=(*skipped, *said))


def tell(seen: Look, *, as_json: bool = False, quiet: bool = False) -> int:
    """The findings, `quiet` only what is wrong. The exit code."""
    if as_json:
        terminal.out(report.as_json(seen.findings, ok=not seen.failed, simulated=seen.simulated))
    elif quiet:
        bad = [f for f in seen.findings if f.severity in (Severity.WARNING, Severity.ERROR)]
        if bad:
            terminal.out("\n\n".join(report.problem(f) for f in bad))
    else:
        if seen.simulated:
            terminal.out(report.SIMULATION + "\n")
        terminal.out(report.text(seen.findings, colour=terminal.colour()))
        terminal.out("\n" + report.summary(seen.findings))
    return 1 if seen.failed else 0


def _typed(fix: str, projects: set[str]) -> str:
    """What is typed names the role alone; the project is the one of the folder it is typed in."""
    for project in projects:
        fix = fix.replace(f"{project}/", "")
    return fix
