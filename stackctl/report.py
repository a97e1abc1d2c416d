"""Findings -> text or JSON. Pure: returns strings, prints nothing. ASCII only."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from stackctl.model import Finding, Severity

_LABEL = {
    Severity.OK: "ok",
    Severity.SKIPPED: "skipped",
    Severity.WARNING: "WARNING",
    Severity.ERROR: "ERROR",
}
_COLOUR = {Severity.OK: "32", Severity.WARNING: "33", Severity.ERROR: "1;31"}

SIMULATION = (
    "SIMULATED GPUs: this machine has no NVIDIA hardware. The engines are real, the GPUs are not,\n"
    "and nothing below says anything about the speed of a model."
)


def text(findings: Sequence[Finding], *, colour: bool = False) -> str:
    """One line per subject that is fine, a block per problem."""
    lines = []
    fine: dict[str, list[str]] = {}
    for finding in findings:
        if finding.severity is Severity.OK:
            fine.setdefault(finding.subject, []).append(finding.summary)
    bad = {f.subject for f in findings if f.severity in (Severity.WARNING, Severity.ERROR)}
    width = max((len(subject) for subject in [*fine, *bad]), default=0)
    for subject, summaries in fine.items():
        # a subject with a problem is told by the problem; what is fine of it only distracts
        if subject not in bad:
            label = _paint(Severity.OK, colour)
            lines.append(f"{label}  {subject:<{width}}  {', '.join(summaries)}")
    problems = [f for f in findings if f.severity in (Severity.WARNING, Severity.ERROR)]
    for finding in problems:
        lines += ["", problem(finding, colour=colour)]
    return "\n".join(lines)


def problem(finding: Finding, *, colour: bool = False) -> str:
    """A warning or an error: what, where, the evidence, why, and what to type next."""
    lines = [
        f"{_paint(finding.severity, colour)}  {finding.subject}: {finding.summary}"
        f"  [{finding.check}]"
    ]
    for name in ("evidence", "cause", "fix"):
        value = getattr(finding, name)
        if value:
            # an unknown failure is shown with the lines around it
            shown = value.replace("\n", "\n" + " " * 14)
            lines.append(f"    {name + ':':<10}{shown}")
    return "\n".join(lines)


def summary(findings: Iterable[Finding]) -> str:
    """The last line: how many of what."""
    counts = dict.fromkeys(Severity, 0)
    for finding in findings:
        counts[finding.severity] += 1
    errors, warnings = counts[Severity.ERROR], counts[Severity.WARNING]
    if not errors and not warnings:
        return f"{counts[Severity.OK]} checks, all fine"
    return (
        f"{counts[Severity.OK]} fine, {warnings} warning{'s' * (warnings != 1)}, "
        f"{errors} error{'s' * (errors != 1)}"
    )


def as_json(findings: Sequence[Finding], **extra: Any) -> str:
    """Everything, for programs. Values are kept as fields, so nobody has to read prose."""
    return json.dumps(
        {**extra, "findings": [asdict(finding) for finding in findings]}, indent=2, default=str
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell, two blanks between."""
    cells = [list(header), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    )


def bar(used: float, total: float, width: int = 20) -> str:
    """`[#####---------------]`"""
    filled = round(width * min(1.0, used / total)) if total else 0
    return "[" + "#" * filled + "-" * (width - filled) + "]"


def duration(seconds: float) -> str:
    """`42s`, `5m`, `3h 10m`, `2d 4h`"""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if days:
        return f"{days}d {hours % 24}h"
    if hours:
        return f"{hours}h {minutes % 60}m"
    return f"{minutes}m" if minutes else f"{int(seconds)}s"


def moment(at: float) -> str:
    """`2026-10-04 14:05`, in local time"""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def healing_off(subject: str, since: float, again: str) -> str:
    """A service that the healer has given up, and the command by which it tries `again`."""
    return (
        f"{subject}: healing is off since {moment(since)}, as three attempts did not help; "
        f"mend it, then: {again}"
    )


def _paint(severity: Severity, colour: bool) -> str:
    label = _LABEL[severity]
    return f"\x1b[{_COLOUR[severity]}m{label}\x1b[0m" if colour else label
