"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from stackctl.lint.issue import Edits, Issue, Known, Span
from stackctl.lint.service import Service
from stackctl.model import Severity

ERROR, WARNING = Severity.ERROR, Severity.WARNING


@dataclass(frozen=True, slots=True)
class Rule:
    """A pure function of all services: some rules compare one with another."""

    id: str
    title: str
    examine: Callable[[Sequence[Service], Known], Iterable[Issue]]


def each(examine: Callable[[Service], Iterable[Issue]]) -> Callable[..., Iterable[Issue]]:
    """A rule that looks at one service at a time."""

    def over(services: Sequence[Service], known: Known) -> Iterable[Issue]:
        for service in services:
            yield from examine(service)

    return over


def both(*edits: Edits | None) -> Edits:
    """Several edits as one; none at all if one of them cannot be made."""
    if any(part is None for part in edits):
        return ()
    return tuple(edit for part in edits if part for edit in part)


def issue(
    rule: str,
    service: Service,
    summary: str,
    why: str,
    *,
    severity: Severity = ERROR,
    span: Span | None = None,
    edits: Edits | None = None,
    safe: bool = False,
    advice: str = "",
) -> Issue:
    """An issue of one service."""
    return Issue(
        rule,
        severity,
        service.name,
        span or service.span,
        summary,
        why,
        edits or (),
        safe,
        advice,
    )
