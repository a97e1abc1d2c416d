"""Checks and what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from stackctl.model.facts import Facts


class Severity(StrEnum):
    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One result: what was looked at, what was found, why it is so, and what to type next."""

    check: str
    severity: Severity
    subject: str
    summary: str
    evidence: str = ""
    cause: str = ""
    fix: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)


class Phase(StrEnum):
    PREFLIGHT = "preflight"  # before anything is changed; looks at the plan
    RUNNING = "running"  # looks at containers
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Check:
    """A pure function of facts. `needs` names fields of Facts without which it is skipped."""

    id: str
    title: str
    phase: Phase
    examine: Callable[[Facts], Iterable[Finding]]
    needs: tuple[str, ...] = ()
