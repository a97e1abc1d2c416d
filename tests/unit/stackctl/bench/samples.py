"""Outcomes and results as a server of known speed would give."""

from __future__ import annotations

import random
from array import array

from stackctl.bench import plan, summary
from stackctl.bench.result import Result, Run, Step
from stackctl.model.load import Outcome, Power, PowerSample, Volley


def outcome(began: float, ttft: float = 0.1, itl: float = 0.01, tokens: int = 11) -> Outcome:
    latency = ttft + itl * (tokens - 1)
    return Outcome(
        began=began,
        ended=began + latency,
        first=ttft,
        ttft=ttft,
        latency=latency,
        gaps=array("d", [itl] * (tokens - 1)),
        prompt_tokens=100,
        tokens=tokens,
        chunks=tokens,
    )


def volley(level: int = 1, count: int = 32, slower: float = 1.0, seed: int = 0) -> Volley:
    """Requests one after the other on each of `level` connections; 5 % of noise."""
    source = random.Random(seed)
    outcomes = []
    clocks = [0.0] * level
    for number in range(count):
        noise = slower * source.lognormvariate(0, 0.05)
        shot = outcome(clocks[number % level], 0.1 * noise, 0.01 * noise)
        clocks[number % level] = shot.ended
        outcomes.append(shot)
    return Volley(tuple(outcomes), max(clocks), 0.1)


def power(watts: float, seconds: float, *, simulated: bool = False) -> Power:
    samples = [PowerSample(i * 0.1, watts) for i in range(int(seconds * 10) + 2)]
    return Power(samples, 1, simulated)


def run(*steps: Step, name: str = "coder") -> Run:
    points = [summary.point(step) for step in steps]
    return Run(
        name=name,
        model="gpt-oss-20b",
        url="http://127.0.0.1:8002/v1",
        engine="llama.cpp",
        against=False,
        simulated=False,
        notes=(),
        knee=plan.knee(points),
        stopped="",
        steps=steps,
    )


def result(*runs: Run, name: str = "A") -> Result:
    return Result(name, 1_790_000_000.0, "0.1.0", 7, 512, 128, 0.3, "EUR", runs)


def measured(slower: float = 1.0, seed: int = 0, name: str = "A") -> Result:
    steps = [summary.step(volley(n, 32, slower, seed + n), n) for n in (1, 2, 4)]
    return result(run(*steps), name=name)
