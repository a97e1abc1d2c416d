"""`stackctl verify`: is everything as promised? With `--heal` and `--record`, what a timer runs."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace

from stackctl import report, settings
from stackctl.checks import CHECKS
from stackctl.commands import heal as healer
from stackctl.commands import record as memory
from stackctl.commands import snapshot
from stackctl.commands.look import Look, look, tell
from stackctl.model import StackError
from stackctl.model.incident import Figure
from stackctl.system import files, terminal


def verify(
    roles: Sequence[str],
    *,
    project: str | None,
    answers: bool,
    as_json: bool,
    record: bool = False,
    heal: bool = False,
    quiet: bool = False,
) -> int:
    """Check all services, or those of `roles`, from their labels alone. 1 if one is in error."""
    if record and (roles or project):
        raise StackError(
            "--record looks at the whole box", fix="stackctl verify --record", exit_code=2
        )
    if heal and as_json:
        raise StackError(
            "--heal tells in words what it does",
            fix="stackctl heal; then: stackctl verify --json",
            exit_code=2,
        )
    if not record:
        seen = look(roles, project, answers=answers)
        if heal and healer.heal(seen, lambda: look(roles, project, answers=answers)):
            seen = look(roles, project, answers=answers)
        return tell(seen, as_json=as_json, quiet=quiet)
    try:
        # its own lock: one that waited would pile up behind a driver that hangs
        with files.lock(settings.find_root() / ".stackctl" / "watch.lock", "verify --record"):
            seen = _remember(look((), project, answers=answers))
            if heal and healer.heal(seen, lambda: look((), project), watching=True):
                seen = _remember(look((), project, answers=answers))
    except files.Busy:
        terminal.out("another `stackctl verify --record` is still at work; nothing was done")
        return 0
    return tell(seen, as_json=as_json, quiet=quiet)


def _remember(seen: Look) -> Look:
    """Into the history; what went wrong with that is a finding as well."""
    there = {o.service.name for o in seen.facts.observed}
    figures = (
        *snapshot.figures(seen.facts, seen.findings),
        *(Figure("service_up", name, 0.0) for name in seen.facts.wanted if name not in there),
    )
    found = memory.record(seen.findings, figures, snapshot.box(seen.facts), time.time())
    return replace(seen, findings=(*seen.findings, *found))


def list_checks(*, as_json: bool) -> int:
    """The checks there are, in the order in which they run."""
    if as_json:
        rows = [{"id": c.id, "title": c.title, "phase": c.phase} for c in CHECKS]
        terminal.out(json.dumps(rows, indent=2))
    else:
        terminal.out(report.table(("CHECK", "WHAT"), [(c.id, c.title) for c in CHECKS]))
    return 0
