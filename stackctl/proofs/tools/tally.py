"""Many answers -> rates, and which failures there were how often. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stackctl.model import Finding, Severity
from stackctl.proofs.kinds import KINDS, fix
from stackctl.proofs.statistics import wilson
from stackctl.proofs.tools.cases import CASES, Case
from stackctl.proofs.trouble import Blame, Trouble

CHECK = "prove.tools"


@dataclass(frozen=True, slots=True)
class Tally:
    """One case. `unproven` answers say nothing of the service: what the model is unable to do, or
    was rigged to do."""

    case: Case
    passed: int
    failed: int
    unproven: int
    kinds: Mapping[str, int]
    examples: Mapping[str, str]

    @property
    def interval(self) -> tuple[float, float]:
        return wilson(self.passed, self.passed + self.failed)

    @property
    def rate(self) -> float | None:
        counted = self.passed + self.failed
        return self.passed / counted if counted else None


def tally(case: Case, answers: Sequence[tuple[Trouble, ...]], *, rigged: bool) -> Tally:
    """Of one case. Of a rigged model, what it decides is not counted."""
    passed = sum(not troubles for troubles in answers)
    failed = sum(any(_counts(t, rigged) for t in troubles) for troubles in answers)
    every = [trouble for troubles in answers for trouble in troubles]
    return Tally(
        case,
        passed,
        failed,
        len(answers) - passed - failed,
        dict(Counter(trouble.kind for trouble in every)),
        {trouble.kind: trouble.evidence for trouble in reversed(every)},
    )


def said(tallies: Sequence[Tally]) -> str:
    """In a few words: how many answers were right, and what was wrong with the others."""
    right = sum(one.passed for one in tallies)
    wrong = sum(one.failed for one in tallies)
    bad = sorted({kind for one in tallies if one.failed for kind in one.kinds})
    return f"{right} of {right + wrong} answers right" + (f" ({', '.join(bad)})" if bad else "")


def rows(tallies: Sequence[Tally]) -> list[tuple[str, ...]]:
    """For a table: case, passed, rate, interval, what went wrong."""
    return [(t.case.id, t.case.title, *_figures(t), _said(t)) for t in tallies]


HEADER = ("CASE", "WHAT", "PASSED", "RATE", "95 % INTERVAL", "WRONG")


def findings(
    subject: str, tallies: Sequence[Tally], *, rigged: bool, ours: bool = True
) -> list[Finding]:
    """One for each kind of failure, over all cases. `ours`: the subject is a role."""
    found = []
    for kind in KINDS.values():
        hit = [t for t in tallies if kind.id in t.kinds]
        if not hit or not _counts(Trouble(kind.id), rigged):
            continue
        count = sum(t.kinds[kind.id] for t in hit)
        names = ", ".join(t.case.id for t in hit)
        found.append(
            Finding(
                CHECK,
                Severity.ERROR,
                subject,
                f"{kind.id}: {count} of {sum(t.passed + t.failed + t.unproven for t in hit)} "
                f"answers ({names})",
                hit[0].examples[kind.id],
                kind.cause,
                fix(kind.fix, subject if ours else ""),
                {"failure": kind.id, "count": count, "blame": kind.blame.value},
            )
        )
    return found


def as_data(one: Tally) -> dict[str, Any]:
    """For --json."""
    low, high = one.interval
    return {
        "case": one.case.id,
        "title": one.case.title,
        "passed": one.passed,
        "failed": one.failed,
        "unproven": one.unproven,
        "rate": one.rate,
        "interval": [low, high] if one.rate is not None else None,
        "failures": dict(one.kinds),
        "examples": dict(one.examples),
    }


def chosen(names: Sequence[str]) -> tuple[Case, ...]:
    """The cases of these names, all if none is named."""
    return tuple(case for case in CASES if not names or case.id in names)


def _counts(trouble: Trouble, rigged: bool) -> bool:
    blame = KINDS[trouble.kind].blame
    return blame is Blame.SERVER or (blame is Blame.MODEL and not rigged)


def _figures(one: Tally) -> tuple[str, str, str]:
    counted = one.passed + one.failed
    if one.rate is None:
        return "-", "-", "-"
    low, high = one.interval
    return f"{one.passed}/{counted}", f"{one.rate:.0%}", f"{low:.0%} to {high:.0%}"


def _said(one: Tally) -> str:
    told = ", ".join(f"{count} x {kind}" for kind, count in one.kinds.items())
    return f"{told} ({one.unproven} not counted)" if one.unproven else told
