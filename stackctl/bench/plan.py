"""Which concurrencies are measured, when more of them tells nothing new, and where the knee is.

The knee is where power, throughput divided by response time, is largest (Kleinrock 1979, "Power and
deterministic rules of thumb for probabilistic problems in computer communications"; Jain 1991, "The
art of computer systems performance analysis", 3.3). Beyond it requests wait more than they gain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

#: two doublings that bring less than this are saturation
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
    """Why no higher concurrency is worth a try; "" if it is. One bad step alone may be noise."""
    if points and points[-1].failed > MOST_FAILED:
        return f"{points[-1].failed:.0%} of the requests failed"
    before, two = points[:-2], points[-2:]
    if not before:
        return ""
    if max(p.throughput for p in two) < GROWTH * max(p.throughput for p in before):
        return "two doublings brought less than 10 % of throughput"
    best = max(before, key=lambda p: p.power)
    if all(p.power < best.power and p.ttft > 2 * best.ttft for p in two):
        return "beyond the knee, and the time to the first token has more than doubled"
    return ""


def knee(points: Sequence[Point]) -> int | None:
    """The concurrency with the largest power; None if nothing was measured."""
    good = [p for p in points if p.failed <= MOST_FAILED and p.power > 0]
    return max(good, key=lambda p: p.power).concurrency if good else None
