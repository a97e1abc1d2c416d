"""Which concurrencies are measured, when more of them tells nothing new, and where the knee is.

The knee is where power, throughput divided by response time, is largest (Kleinrock 1979, "Power and
deterministic rules of thumb for probabilistic problems in computer communications"; Jain 1991, "The
art of computer systems performance analysis", 3.3). Beyond it requests wait more than they gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: a doubling that brings less than this is saturation
GROWTH = 1.10
#: of the requests of a step; beyond it a server breaks down rather than slows down
MOST_FAILED = 0.05


@dataclass(frozen=True, slots=True)
class Shape:
    """What a run sends. Tokens of each request, requests of each step."""

    prompt_tokens: int
    output_tokens: int
    warm_up: int
    requests: int
    most: int  # the highest concurrency that is tried
    fixed: tuple[int, ...] = ()  # these concurrencies, and no others

    def count(self, concurrency: int) -> int:
        """Enough for each worker to have four, so that the start and the end weigh little."""
        return max(self.requests, 4 * concurrency)

    def levels(self) -> tuple[int, ...]:
        """All that may be tried."""
        if self.fixed:
            return self.fixed
        found = [1]
        while found[-1] * 2 <= self.most:
            found.append(found[-1] * 2)
        return tuple(found)

    def most_requests(self) -> int:
        return self.warm_up + sum(map(self.count, self.levels()))


@dataclass(frozen=True, slots=True)
class Point:
    """A step as the plan sees it: tokens/s, seconds, share of the requests."""

    concurrency: int
    throughput: float
    ttft: float
    latency: float
    failed: float

    @property
    def power(self) -> float:
        return self.throughput / self.latency if self.latency else 0.0


def enough(points: Sequence[Point]) -> str:
    """Why no higher concurrency is worth a try; "" if it is."""
    if not points:
        return ""
    last = points[-1]
    if last.failed > MOST_FAILED:
        return f"{last.failed:.0%} of the requests failed"
    if len(points) < 2:
        return ""
    before = points[-2]
    if last.throughput < GROWTH * before.throughput:
        gain = last.throughput / before.throughput - 1 if before.throughput else 0.0
        return f"throughput grew by {gain:.0%}".replace("by -", "by minus ")
    if last.ttft > 2 * before.ttft and last.power < before.power:
        return "the time to the first token more than doubled"
    return ""


def knee(points: Sequence[Point]) -> int | None:
    """The concurrency with the largest power; None if nothing was measured."""
    good = [p for p in points if p.failed <= MOST_FAILED and p.power > 0]
    return max(good, key=lambda p: p.power).concurrency if good else None
