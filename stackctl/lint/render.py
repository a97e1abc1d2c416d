"""Issues -> text. Corrected lines are what the edit makes of the lines that it touches."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from stackctl.lint.fix import applied
from stackctl.lint.issue import Issue
from stackctl.model import Severity

_LABEL = {Severity.ERROR: "error", Severity.WARNING: "warning"}


def lines(issue: Issue) -> list[str]:
    """The corrected lines as a difference, `-` and `+`; empty where only advice can be given."""
    found = []
    for source in {edit.span.source.name: edit.span.source for edit in issue.edits}.values():
        new = applied(source.text, source.name, issue.edits)
        change = difflib.unified_diff(source.text.splitlines(), new.splitlines(), n=0)
        found += [
            f"{line[:1]} {line[1:]}"
            for line in list(change)[2:]  # behind the names of the files
            if not line.startswith("@@")
        ]
    return found


def text(issue: Issue) -> str:
    """A block for one issue: where, what, why, and how it is written right."""
    name = f"{issue.service}: " if issue.service else ""
    block = [
        f"{issue.span}: {_LABEL[issue.severity]}: {name}{issue.summary}  [{issue.rule}]",
        f"    why:   {issue.why}",
    ]
    corrected = lines(issue)
    if corrected:
        mark = "fix:" if issue.safe else "write:"
        block.append(
            f"    {mark:<6} " + ("(--fix writes it)" if issue.safe else "(yours to decide)")
        )
        block += [f"      {line}" for line in corrected]
    elif issue.advice:
        first, *rest = issue.advice.splitlines()
        block += [f"    write: {first}", *(f"           {line}" for line in rest)]
    return "\n".join(block)


def summary(issues: Sequence[Issue], services: int) -> str:
    """The last line."""
    errors = sum(issue.severity is Severity.ERROR for issue in issues)
    warnings = len(issues) - errors
    fixable = sum(issue.fixable for issue in issues)
    if not issues:
        return f"{services} service{'s' * (services != 1)}, nothing to complain about"
    tail = f"; --fix writes {fixable} of them" if fixable else ""
    return f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}{tail}"
