"""`stackctl doctor`: the host itself, without any container of the stack."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace

from stackctl import report, settings
from stackctl.checks import worst
from stackctl.checks.doctor import LOOKS, run
from stackctl.commands import doctor_fix
from stackctl.facts import host as gather
from stackctl.model import Driver, Finding, Severity, StackError, Unavailable
from stackctl.model.host import MEND, NO_RIGHT, HostFacts, mend_of
from stackctl.system import terminal
from stackctl.system.host.engine import HostDocker

_PROBLEMS = (Severity.WARNING, Severity.ERROR)


def doctor(*, fix: bool, yes: bool, as_json: bool) -> int:
    """Look at the host, mend what is safe if asked to. 1 if an error is left."""
    _usage(fix, yes, as_json)
    facts, findings = _look()
    if as_json:
        failed = worst(findings) is Severity.ERROR
        extra = {"ok": not failed, "simulated": _simulated(facts), "unread": list(facts.unread)}
        terminal.out(report.as_json([_told(finding) for finding in findings], **extra))
        return 1 if failed else 0
    terminal.out(text(facts, findings, colour=terminal.colour()))
    if fix and doctor_fix.fix(findings, yes=yes, root=facts.root):
        facts, findings = _look()
        terminal.out("\nlooked again: " + report.summary(findings))
    return 1 if worst(findings) is Severity.ERROR else 0


def _usage(fix: bool, yes: bool, as_json: bool) -> None:
    if yes and not fix:
        raise StackError(
            "--yes answers the questions of --fix", fix="stackctl doctor --fix --yes", exit_code=2
        )
    if fix and as_json:
        raise StackError(
            "--fix talks to a person, --json to a program",
            fix="stackctl doctor --json shows the repairs under `mend`",
            exit_code=2,
        )


def _look() -> tuple[HostFacts, tuple[Finding, ...]]:
    facts = gather.gather(HostDocker(), _models_dir())
    return facts, run(LOOKS, facts)


def _models_dir() -> str:
    """Where the models are; the doctor also works where there is no stack, or a broken one."""
    try:
        root = settings.find_root()
        # where the models are is no matter of the hardware, so any profile does
        profiles = [known.profile for known in settings.hardware_profiles(root)]
        chosen = settings.chosen_profile(root) or next(iter(profiles), "")
        return str(settings.load(root, chosen).models_dir)
    except StackError:
        return ""


def text(facts: HostFacts, findings: Sequence[Finding], *, colour: bool = False) -> str:
    """Under each heading what is fine, a line each, then what is not."""
    group_of = {look.id: look.group for look in LOOKS}
    told = [f for f in findings if f.severity is not Severity.SKIPPED]
    # the label of a problem needs no column: it has a block of its own
    width = max((len(f.subject) for f in told if f.severity is Severity.OK), default=0)
    parts = [report.SIMULATION] if _simulated(facts) else []
    for group in dict.fromkeys(group_of.values()):
        mine = [f for f in told if group_of[f.check] == group]
        fine = [f for f in mine if f.severity is Severity.OK]
        lines = [group]
        lines += [f"  {_ok(colour)}  {f.subject:<{width}}  {f.summary}" for f in fine]
        for finding in (f for f in mine if f.severity in _PROBLEMS):
            block = report.problem(finding, colour=colour)
            lines += ["", *(f"  {line}" for line in block.splitlines())]
        if mine:
            parts.append("\n".join(lines))
    if left := _left_out(facts, findings):
        parts.append("\n".join(left))
    return "\n\n".join([*parts, report.summary(findings)])


def _left_out(facts: HostFacts, findings: Sequence[Finding]) -> list[str]:
    """What was not looked at, a line for each reason."""
    reasons: dict[str, list[str]] = {}
    for finding in findings:
        lacking = getattr(facts, finding.subject, None)
        rooted = isinstance(lacking, Unavailable) and lacking.code == NO_RIGHT
        if finding.severity is Severity.SKIPPED and not (rooted and facts.unread):
            reasons.setdefault(finding.summary, []).append(finding.check)
    lines = [f"skipped  {', '.join(checks)}: {reason}" for reason, checks in reasons.items()]
    if facts.unread:
        lines.append(f"only for root: {'; '.join(facts.unread)}: sudo stackctl doctor")
    return lines


def _told(finding: Finding) -> Finding:
    """For programs: a repair without the text of files, which may hold the owner's secrets."""
    if not (mend := mend_of(finding)):
        return finding
    rest = {key: value for key, value in asdict(mend).items() if key not in ("text", "old")}
    return replace(finding, values={**finding.values, MEND: rest})


def _ok(colour: bool) -> str:
    return "\x1b[32mok\x1b[0m" if colour else "ok"


def _simulated(facts: HostFacts) -> bool:
    return isinstance(facts.driver, Driver) and facts.driver.simulated


def list_looks(*, as_json: bool) -> int:
    """The checks there are, in the order in which they are told."""
    if as_json:
        rows = [{"id": k.id, "title": k.title, "group": k.group} for k in LOOKS]
        terminal.out(json.dumps(rows, indent=2))
    else:
        terminal.out(report.table(("CHECK", "WHAT"), [(k.id, k.title) for k in LOOKS]))
    return 0
