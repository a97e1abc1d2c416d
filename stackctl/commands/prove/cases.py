"""Which cases of `stackctl prove tools` there are."""

from __future__ import annotations

import json
from collections.abc import Sequence

from stackctl import report
from stackctl.model import StackError
from stackctl.proofs.tools.cases import CASES
from stackctl.system import terminal


def list_cases(*, as_json: bool) -> int:
    """Print them."""
    if as_json:
        terminal.out(json.dumps([{"id": c.id, "title": c.title} for c in CASES], indent=2))
    else:
        terminal.out(report.table(("CASE", "WHAT"), [(c.id, c.title) for c in CASES]))
    return 0


def check(names: Sequence[str]) -> None:
    """StackError for a name that is none."""
    known = [case.id for case in CASES]
    for name in names:
        if name not in known:
            raise StackError(
                f"{name} is no case", fix=f"choose from: {', '.join(known)}", exit_code=2
            )
