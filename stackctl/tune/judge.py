"""What a candidate is worth, and whether that is more than noise.

Each request has a cost of which less is better. For latency it is the time of an answer of the
full length: time to first token, and time per output token for the rest. For throughput it is its
latency by its tokens and by the requests at once, whose mean is the reciprocal of tokens/s (Little
1961). Costs are compared as `bench compare` compares times: Mann-Whitney, the ratio by
Hodges-Lehmann; p is multiplied by the number of candidates (Bonferroni), as any of them may win by
chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stackctl.bench import compare, statistics
from stackctl.bench.plan import MOST_FAILED
from stackctl.bench.result import Run, Step
from stackctl.tune.space import Goal, Load, Objective


@dataclass(frozen=True, slots=True)
class Score:
    """A candidate at its best concurrency. `value`: tokens/s, or seconds of an answer."""

    step: Step
    value: float
    costs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Duel:
    """One against another: `gain` is how many times better, with its interval at 95 %.

    `verdict`: better, worse, small (certain and less than 3 %), noise, too few.
    """

    gain: float
    low: float
    high: float
    verdict: str


def score(run: Run, objective: Objective, load: Load) -> Score | str:
    """Its best concurrency within the limits; in words why it has none."""
    steps = run.steps if objective.goal is Goal.THROUGHPUT else run.steps[:1]
    found, why = [], "nothing was measured"
    for step in steps:
        if not (reason := _unfit(step, objective)):
            found.append(_scored(step, objective, load))
        else:
            why = reason
    if not found:
        return why
    if objective.goal is Goal.THROUGHPUT:
        return max(found, key=lambda score: score.value)
    return found[0]


def duel(ours: Score, theirs: Score, among: int) -> Duel:
    """`ours` against `theirs`; `among` so many candidates."""
    ratio, low, high = statistics.ratio(ours.costs, theirs.costs)
    if min(len(ours.costs), len(theirs.costs)) < statistics.ENOUGH:
        verdict = "too few"
    elif among * statistics.mann_whitney(ours.costs, theirs.costs) >= compare.ALPHA:
        verdict = "noise"
    elif abs(ratio - 1) < compare.MATTER:
        verdict = "small"
    else:
        verdict = "better" if ratio > 1 else "worse"
    return Duel(ratio, low, high, verdict)


def fewest(among: int) -> int:
    """Requests of a step with which one of so many candidates can win at all."""
    for count in range(statistics.ENOUGH, 10_000):
        apart = statistics.mann_whitney(range(count), range(count, 2 * count))
        if among * apart < compare.ALPHA:
            return count
    raise ValueError(f"{among} candidates")


def _unfit(step: Step, objective: Objective) -> str:
    """Why a step does not count."""
    if step.failed > MOST_FAILED * step.requests:
        name, times = max(step.failures.items(), key=lambda item: item[1])
        said = f": {detail}" if (detail := step.details.get(name)) else ""
        return f"{times} of {step.requests} requests failed, {name}{said}"
    for name, spread, limit in (
        ("TTFT", step.ttft, objective.ttft_p95_ms),
        ("TPOT", step.tpot, objective.tpot_p95_ms),
    ):
        if limit is not None and spread and spread.p95 * 1000 > limit:
            return (
                f"{name} p95 is {spread.p95 * 1000:.0f} ms at {step.concurrency} at once, "
                f"{limit:g} are allowed"
            )
    return "" if any(_costs(step, objective, 2)) else "answers without tokens"


def _scored(step: Step, objective: Objective, load: Load) -> Score:
    costs = tuple(_costs(step, objective, load.output))
    if objective.goal is Goal.THROUGHPUT:
        return Score(step, step.tokens_per_s, costs)
    return Score(step, statistics.median(costs), costs)


def _costs(step: Step, objective: Objective, output: int) -> Iterator[float]:
    """Of each request; answers differ in length, so their own tokens do not count."""
    samples = step.samples
    for first, latency, tokens in zip(samples.first, samples.latency, samples.tokens, strict=True):
        if objective.goal is Goal.THROUGHPUT and tokens:
            yield latency / tokens / step.concurrency
        elif objective.goal is Goal.LATENCY and tokens > 1:
            yield first + (output - 1) * (latency - first) / (tokens - 1)
