"""Two results: what is a real difference, and what is noise.

For each API and concurrency that both have, the requests of the one against those of the other, by
the Mann-Whitney test; all p values together are adjusted by Holm. What is left is real. It matters
if its ratio is also further from 1 than `matter`, as two runs differ by more than their requests
do: clocks, temperature, neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stackctl.bench import statistics
from stackctl.bench.plan import MOST_FAILED
from stackctl.bench.result import Result, Run, Step

#: probability of one or more false alarms in a comparison
ALPHA = 0.01
MATTER = 0.03


@dataclass(frozen=True, slots=True)
class Difference:
    """`ratio` is B : A, with its interval; `verdict`: faster, slower, noise, small, too few."""

    name: str
    concurrency: int
    figure: str
    a: float
    b: float
    ratio: float
    low: float
    high: float
    p: float
    verdict: str


@dataclass(frozen=True, slots=True)
class _Pair:
    name: str
    concurrency: int
    figure: str
    a: Sequence[float]
    b: Sequence[float]


def compare(a: Result, b: Result, matter: float = MATTER) -> tuple[Difference, ...]:
    """All figures of all steps that both have; lower is faster in each of them."""
    pairs = list(_pairs(a, b))
    judged = [min(len(p.a), len(p.b)) >= statistics.ENOUGH for p in pairs]
    raw = [
        statistics.mann_whitney(p.a, p.b) for p, enough in zip(pairs, judged, strict=True) if enough
    ]
    adjusted = iter(statistics.holm(raw))
    found = []
    for pair, enough in zip(pairs, judged, strict=True):
        ratio, low, high = statistics.ratio(pair.a, pair.b)
        p = next(adjusted) if enough else 1.0
        verdict = _verdict(ratio, p, matter) if enough else "too few"
        found.append(
            Difference(
                pair.name,
                pair.concurrency,
                pair.figure,
                statistics.median(pair.a),
                statistics.median(pair.b),
                ratio,
                low,
                high,
                p,
                verdict,
            )
        )
    return tuple(found)


def broken(a: Result, b: Result) -> list[str]:
    """Where B breaks down and A does not, in words: who fails at once is not fast."""
    return [
        f"{run.name} at {one.concurrency} at once: {other.failed} of {other.requests} requests "
        f"failed in B, {one.failed} of {one.requests} in A"
        for run, one, other in _steps(a, b)
        if _breaks(other) and not _breaks(one)
    ]


def unlike(a: Result, b: Result) -> list[str]:
    """Why they are not quite comparable, in words."""
    said = []
    for name in ("prompt_tokens", "output_tokens"):
        one, other = getattr(a, name), getattr(b, name)
        if one != other:
            said.append(f"{name.replace('_', ' ')}: {one} in A, {other} in B")
    for run, twin in _twins(a, b):
        if run.model != twin.model:
            said.append(f"{run.name}: {run.model} in A, {twin.model} in B")
    return said


def _verdict(ratio: float, p: float, matter: float) -> str:
    if p >= ALPHA:
        return "noise"
    if abs(ratio - 1) < matter:
        return "small"
    return "faster" if ratio < 1 else "slower"


def _breaks(step: Step) -> bool:
    return step.failed > MOST_FAILED * step.requests


def _pairs(a: Result, b: Result) -> Iterator[_Pair]:
    for run, one, other in _steps(a, b):
        yield from _figures(run.name, one, other)


def _steps(a: Result, b: Result) -> Iterator[tuple[Run, Step, Step]]:
    """The run of A, and each concurrency that both have."""
    for run, twin in _twins(a, b):
        there = {step.concurrency: step for step in twin.steps}
        for step in run.steps:
            if step.concurrency in there:
                yield run, step, there[step.concurrency]


def _twins(a: Result, b: Result) -> Iterator[tuple[Run, Run]]:
    """Runs of the same name; where each has only one, these, whatever they are called."""
    if len(a.runs) == len(b.runs) == 1:
        yield a.runs[0], b.runs[0]
        return
    there = {run.name: run for run in b.runs}
    for run in a.runs:
        if run.name in there:
            yield run, there[run.name]


def _figures(name: str, a: Step, b: Step) -> Iterator[_Pair]:
    for figure in ("ttft", "tpot", "latency"):
        ours = [v for v in getattr(a.samples, figure) if v > 0]
        theirs = [v for v in getattr(b.samples, figure) if v > 0]
        if ours and theirs:
            yield _Pair(name, a.concurrency, figure, ours, theirs)
