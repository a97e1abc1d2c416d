"""What a handful of measurements says, and what it does not.

Percentiles interpolate between ranks (type 7 of Hyndman and Fan 1996, numpy's default, and so that
of `vllm bench serve`). Confidence intervals of a median are by order statistics, without an
assumption on the distribution (Hahn and Meeker 1991, chapter 5.2). Differences: Mann and Whitney
1947, with the normal approximation and ties corrected; how large, by Hodges and Lehmann 1963;
several at once, by Holm 1979.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from statistics import NormalDist

CONFIDENCE = 0.95
#: below this many of each, the normal approximation of Mann-Whitney is poor
ENOUGH = 8
#: for Hodges-Lehmann each of one side meets each of the other
_MOST_PAIRED = 300


def percentile(values: Sequence[float], share: float) -> float:
    """`share` from 0 to 1. Raises ValueError for nothing."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    at = (len(ordered) - 1) * share
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """In which the median of all requests that could have been sent lies, with CONFIDENCE."""
    n = len(values)
    # the widest ranks whose tails hold at most half of the rest
    tail, rank = 0.0, -1
    while rank + 1 < n:
        tail += math.comb(n, rank + 1) / 2**n
        if tail > (1 - CONFIDENCE) / 2:
            break
        rank += 1
    if rank < 0:
        return None  # fewer than six values say nothing at 95 %
    ordered = sorted(values)
    return ordered[rank], ordered[n - 1 - rank]


def mann_whitney(a: Sequence[float], b: Sequence[float]) -> float:
    """Two-sided p of: neither side tends to be larger. 1.0 where all are equal."""
    n, m = len(a), len(b)
    ranked = sorted([(value, 0) for value in a] + [(value, 1) for value in b])
    rank_sum, ties, at = 0.0, 0.0, 0
    while at < n + m:
        end = at
        while end < n + m and ranked[end][0] == ranked[at][0]:
            end += 1
        mean_rank = (at + end + 1) / 2
        rank_sum += mean_rank * sum(1 for _, side in ranked[at:end] if side == 0)
        ties += (end - at) ** 3 - (end - at)
        at = end
    u = rank_sum - n * (n + 1) / 2
    total = n + m
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = max(0.0, abs(u - n * m / 2) - 0.5) / math.sqrt(variance)
    return 2 * (1 - NormalDist().cdf(z))


def ratio(a: Sequence[float], b: Sequence[float]) -> tuple[float, float, float]:
    """b : a by Hodges-Lehmann on logarithms, with its interval at CONFIDENCE. All above 0."""
    few_a, few_b = _thinned(a), _thinned(b)
    n, m = len(few_a), len(few_b)
    logs = sorted(math.log(y) - math.log(x) for x in few_a for y in few_b)
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    rank = max(0, math.floor(n * m / 2 - z * math.sqrt(n * m * (n + m + 1) / 12)))
    middle = percentile(logs, 0.5)
    return math.exp(middle), math.exp(logs[rank]), math.exp(logs[len(logs) - 1 - rank])


def holm(p_values: Sequence[float]) -> list[float]:
    """Each p, adjusted for their number."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [1.0] * len(p_values)
    worst = 0.0
    for place, i in enumerate(order):
        worst = max(worst, min(1.0, (len(order) - place) * p_values[i]))
        adjusted[i] = worst
    return adjusted


def _thinned(values: Sequence[float]) -> Sequence[float]:
    if len(values) <= _MOST_PAIRED:
        return values
    return random.Random(len(values)).sample(values, _MOST_PAIRED)  # noqa: S311 - not a secret
