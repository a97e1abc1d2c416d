"""`stackctl verify`: is everything as promised?"""

from __future__ import annotations

import json
from collections.abc import Sequence

from stackctl import report
from stackctl.checks import CHECKS
from stackctl.commands.look import look, tell
from stackctl.model import StackError
from stackctl.system import terminal


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
    if heal and as_json:
        raise StackError(
            "--heal tells in words what it does",
            fix="stackctl heal; then: stackctl verify --json",
            exit_code=2,
        )
    if record:
        if roles or project:
            raise StackError(
                "--record looks at the whole box", fix="stackctl verify --record", exit_code=2
            )
        # here, as what it imports would make every other verify slower by a third
        from stackctl.commands import rounds

        return rounds.make(answers=answers, as_json=as_json, heal=heal, quiet=quiet)
    if heal:
        from stackctl.commands import heal as healer

        return healer.command(roles, project=project, answers=answers, quiet=quiet)
    seen = look(roles, project, answers=answers)
    return tell(seen, as_json=as_json, quiet=quiet)


def list_checks(*, as_json: bool) -> int:
    """The checks there are, in the order in which they run."""
    if as_json:
        rows = [{"id": c.id, "title": c.title, "phase": c.phase} for c in CHECKS]
        terminal.out(json.dumps(rows, indent=2))
    else:
        terminal.out(report.table(("CHECK", "WHAT"), [(c.id, c.title) for c in CHECKS]))
    return 0
