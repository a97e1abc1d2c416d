"""A contest in words and columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stackctl.bench.tables import ms, number
from stackctl.tune.contest import Contest, Entry
from stackctl.tune.space import Goal

_FIGURE = {Goal.THROUGHPUT: "TOK/S", Goal.LATENCY: "ANSWER"}


def header(goal: Goal) -> tuple[str, ...]:
    return (
        *("#", "SETTINGS", _FIGURE[goal], "AT ONCE", "TTFT p95", "TPOT p95"),
        *("AGAINST CURRENT", "VERDICT"),
    )


def rows(contest: Contest) -> list[tuple[str, ...]]:
    return [_row(n, entry, contest) for n, entry in enumerate(contest.entries)]


def reasons(contest: Contest) -> Iterator[str]:
    """Why some have no figures, each with its number."""
    for n, entry in enumerate(contest.entries):
        if entry.why:
            yield f"{n}: {entry.trial.label}: {entry.verdict}: {entry.why}"


def verdict(contest: Contest) -> str:
    """Who has won, in a sentence."""
    tried = sum(entry.trial.run is not None for entry in contest.entries)
    if contest.doubt:
        return f"no winner: {contest.doubt}"
    if not contest.won:
        if contest.current.score is None:
            return f"no candidate is within the limits, of {tried} that were measured"
        return f"the current settings are the best of {tried} that were measured"
    best = contest.best
    return f"best: {best.trial.label}, {figure(best, contest.objective.goal)}: {gain(best)}"


def gain(entry: Entry) -> str:
    """Against the current settings, in words."""
    if not entry.against:
        return "the current settings are over the limit"
    duel = entry.against
    return (
        f"{duel.gain:.2f} times as good as the current settings ({duel.low:.2f} .. {duel.high:.2f})"
    )


def figure(entry: Entry, goal: Goal) -> str:
    if entry.score is None:
        return "-"
    if goal is Goal.THROUGHPUT:
        return f"{number(entry.score.value)} tokens/s at {entry.score.step.concurrency} at once"
    return f"{number(entry.score.value)} s for a full answer"


def body(contest: Contest) -> list[dict[str, Any]]:
    """For programs."""
    return [
        {
            "number": n,
            "settings": {name: _plain(value) for name, value in entry.choice.items()},
            "verdict": entry.verdict,
            "why": entry.why,
            "value": entry.score.value if entry.score else None,
            "concurrency": entry.score.step.concurrency if entry.score else None,
            "gain": entry.against.gain if entry.against else None,
            "gain_low": entry.against.low if entry.against else None,
            "gain_high": entry.against.high if entry.against else None,
            "key": entry.trial.key,
            "seconds": entry.trial.seconds,
        }
        for n, entry in enumerate(contest.entries)
    ]


def _row(n: int, entry: Entry, contest: Contest) -> tuple[str, ...]:
    score, duel = entry.score, entry.against
    won = entry is contest.best and contest.won
    return (
        str(n),
        entry.trial.label,
        _value(entry, contest.objective.goal),
        str(score.step.concurrency) if score else "-",
        ms(score.step.ttft, "p95") if score else "-",
        ms(score.step.tpot, "p95") if score else "-",
        f"x {duel.gain:.2f} ({duel.low:.2f} .. {duel.high:.2f})" if duel else "-",
        "BEST" if won else entry.verdict,
    )


def _value(entry: Entry, goal: Goal) -> str:
    if entry.score is None:
        return "-"
    return number(entry.score.value) + (" s" if goal is Goal.LATENCY else "")


def _plain(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float, str)) else str(value)
