"""Outcomes of a volley -> the figures of a step, defined as `vllm bench serve` defines them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from stackctl.bench.plan import Point
from stackctl.bench.result import Energy, Samples, Spread, Step
from stackctl.bench.statistics import median_interval, percentile
from stackctl.model.load import Power, Volley

_KWH = 3.6e6  # joules


def step(
    volley: Volley,
    concurrency: int,
    power: Power | None = None,
    price: float | None = None,
    audio: float = 0.0,
) -> Step:
    """`power` of the GPUs while it ran; `price` of a kWh; `audio`: seconds of sound of a request
    that is to be transcribed."""
    good = [o for o in volley.outcomes if o.ok]
    tokens = [o.count for o in good]
    seconds = volley.seconds
    # a transcript comes whole
    firsts = [] if audio else [o.first for o in good]
    ttfts = [] if audio else [o.ttft for o in good]
    tpots = [t for o in good if (t := o.tpot) is not None]
    failures: dict[str, int] = {}
    details: dict[str, str] = {}
    for outcome in volley.outcomes:
        if outcome.failure:
            failures[outcome.failure] = failures.get(outcome.failure, 0) + 1
            details.setdefault(outcome.failure, outcome.detail)
    return Step(
        concurrency=concurrency,
        seconds=seconds,
        cpu=volley.cpu,
        requests=len(volley.outcomes),
        failures=failures,
        details=details,
        throttled=sum(o.throttled for o in volley.outcomes),
        counted=all(o.tokens is not None for o in good),
        prompt_tokens=_mean([o.prompt_tokens or 0 for o in good]),
        output_tokens=_mean(tokens),
        reasoning_tokens=_mean([o.reasoning for o in good]),
        requests_per_s=len(good) / seconds if seconds else 0.0,
        tokens_per_s=sum(tokens) / seconds if seconds else 0.0,
        first=spread(firsts),
        ttft=spread(ttfts),
        tpot=spread(tpots),
        itl=spread([gap for o in good for gap in o.gaps], interval=False),
        latency=spread([o.latency for o in good]),
        speed=spread([o.count / o.latency for o in good if o.latency and o.count]),
        energy=_energy(volley, power, sum(tokens), price),
        audio=audio,
        audio_per_s=audio * len(good) / seconds if seconds else 0.0,
        rtf=spread([o.latency / audio for o in good]) if audio else None,
        samples=Samples(
            tuple(firsts),
            tuple(ttfts),
            tuple(o.latency for o in good),
            tuple(tpots),
            tuple(tokens),
        ),
    )


def point(measured: Step) -> Point:
    """The step as the plan sees it."""
    return Point(
        measured.concurrency,
        measured.audio_per_s or measured.tokens_per_s,
        measured.ttft.median if measured.ttft else 0.0,
        measured.latency.mean if measured.latency else 0.0,
        measured.failed / measured.requests if measured.requests else 1.0,
    )


def spread(values: Sequence[float], *, interval: bool = True) -> Spread | None:
    """`interval`: only where the values do not depend on each other, as gaps of one stream do."""
    if not values:
        return None
    ordered = sorted(values)
    p50, p90, p95, p99 = (percentile(ordered, share) for share in (0.5, 0.9, 0.95, 0.99))
    low, high = (median_interval(ordered) if interval else None) or (None, None)
    return Spread(_mean(ordered), p50, p90, p95, p99, low, high)


def _energy(volley: Volley, power: Power | None, tokens: int, price: float | None) -> Energy | None:
    """None without samples over the whole time, without tokens, and of simulated GPUs."""
    if not power or power.simulated or not tokens or not volley.outcomes:
        return None
    began = min(o.began for o in volley.outcomes)
    ended = max(o.ended for o in volley.outcomes)
    inside = [(s.at, s.watts) for s in power.samples if began <= s.at <= ended]
    if len(inside) < 2 or inside[-1][0] - inside[0][0] < 0.8 * (ended - began):
        return None
    area = sum((later - earlier) * (w1 + w2) / 2 for (earlier, w1), (later, w2) in pairwise(inside))
    watts = area / (inside[-1][0] - inside[0][0])
    joules = watts * (ended - began)
    per_token = joules / tokens
    cost = per_token * 1e6 / _KWH * price if price is not None else None
    return Energy(joules, watts, per_token, cost)


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found) if found else 0.0
