"""Figures of a step: what `vllm bench serve` calls them is what they are."""

from __future__ import annotations

import pytest

from stackctl.bench import compare, page, plan, result, summary
from stackctl.bench.plan import Point, Shape
from stackctl.model.load import Outcome, Volley
from tests.unit.stackctl.bench import samples


def test_figures_of_a_server_of_known_speed() -> None:
    shots = Volley(tuple(samples.outcome(i * 0.2) for i in range(10)), 2.0, 0.05)
    step = summary.step(shots, 1)
    assert step.requests_per_s == pytest.approx(5)
    assert step.tokens_per_s == pytest.approx(55)
    assert step.ttft
    assert step.tpot
    assert step.itl
    assert step.speed
    assert step.ttft.median == pytest.approx(0.1)
    assert step.tpot.p99 == pytest.approx(0.01)
    assert step.itl.mean == pytest.approx(0.01)
    assert step.speed.median == pytest.approx(11 / 0.2)
    assert step.ttft.low == pytest.approx(0.1)
    assert step.ttft.high == pytest.approx(0.1)
    assert step.itl.low is None  # gaps of one stream depend on each other
    assert (step.prompt_tokens, step.output_tokens, step.counted) == (100, 11, True)


def test_failures_are_counted_by_name_and_not_measured() -> None:
    bad = Outcome(began=0.0, ended=1.0, failure="http-500", detail="engine is dead", throttled=2)
    step = summary.step(Volley((samples.outcome(0.0), bad, bad), 1.0, 0.0), 1)
    assert step.failures == {"http-500": 2}
    assert step.details == {"http-500": "engine is dead"}
    assert (step.failed, step.throttled, step.requests) == (2, 4, 3)
    assert step.requests_per_s == pytest.approx(1)
    assert list(step.samples.ttft) == pytest.approx([0.1])


def test_nothing_but_failures() -> None:
    step = summary.step(Volley((Outcome(failure="refused"),), 0.0, 0.0), 1)
    assert step.ttft is None
    assert (step.tokens_per_s, step.requests_per_s) == (0, 0)
    assert summary.point(step).failed == 1
    assert summary.point(summary.step(Volley((), 0.0, 0.0), 1)).failed == 1


def test_energy_is_power_by_time() -> None:
    shots = Volley(tuple(samples.outcome(i * 0.2) for i in range(10)), 2.0, 0.0)
    step = summary.step(shots, 1, samples.power(300, 2.0), price=0.3)
    assert step.energy
    assert step.energy.joules == pytest.approx(600)
    assert step.energy.per_token == pytest.approx(600 / 110)
    # 5.45 J a token are 1.515 kWh a million
    assert step.energy.cost == pytest.approx(1.515 * 0.3, rel=0.001)
    free = summary.step(shots, 1, samples.power(300, 2.0)).energy
    assert free
    assert free.cost is None


def test_no_energy_is_claimed_without_proof() -> None:
    shots = Volley(tuple(samples.outcome(i * 0.2) for i in range(10)), 2.0, 0.0)
    assert summary.step(shots, 1, samples.power(300, 2.0, simulated=True)).energy is None
    assert summary.step(shots, 1, samples.power(300, 0.5)).energy is None
    assert summary.step(shots, 1, None).energy is None


def point(concurrency: int, throughput: float, ttft: float = 0.1, failed: float = 0.0) -> Point:
    """By Little's law: latency is concurrency by requests/s; of 100 tokens each."""
    return Point(concurrency, throughput, ttft, concurrency * 100 / throughput, failed)


def test_growing_ends_where_two_doublings_bring_nothing() -> None:
    assert plan.enough([]) == ""
    assert plan.enough([point(1, 100)]) == ""
    assert plan.enough([point(1, 100), point(2, 90)]) == ""
    assert "two doublings" in plan.enough([point(1, 100), point(2, 90), point(4, 109)])
    assert plan.enough([point(1, 100), point(2, 90), point(4, 150)]) == ""
    assert plan.enough([point(1, 100, failed=0.5)]) == "50% of the requests failed"


def test_growing_ends_where_everybody_waits() -> None:
    slow = [point(1, 100), point(2, 130, ttft=0.25), point(4, 170, ttft=0.5)]
    assert "first token" in plan.enough(slow)
    assert plan.enough([point(1, 100), point(2, 190, ttft=0.25), point(4, 370, ttft=0.5)]) == ""


def test_the_knee_is_where_power_is_largest() -> None:
    """An engine with four slots: throughput grows up to four at once, and no further."""
    points = [point(n, 100.0 * min(n, 4)) for n in (1, 2, 4, 8, 16)]
    assert plan.knee(points) == 4
    assert plan.knee([]) is None
    assert plan.knee([Point(1, 0, 0, 0, 1.0)]) is None
    assert plan.knee([point(1, 100), point(2, 400, failed=0.5)]) == 1


def test_the_plan_of_a_run() -> None:
    shape = Shape(512, 128, 2, 32, 64)
    assert shape.levels() == (1, 2, 4, 8, 16, 32, 64)
    assert shape.most_requests() == 2 + 32 * 4 + 64 + 128 + 256
    assert Shape(512, 128, 2, 32, 1).levels() == (1,)
    assert Shape(512, 128, 2, 32, 48).levels()[-1] == 32
    assert Shape(512, 128, 2, 32, 64, (3, 5)).levels() == (3, 5)


def test_sound_is_measured_by_its_length() -> None:
    shots = Volley((Outcome(latency=4.0, tokens=0),) * 8, 16.0, 0.0)
    step = summary.step(shots, 2, audio=32.0)
    assert step.rtf
    assert (step.rtf.median, step.audio_per_s, step.counted) == (0.125, 16.0, True)
    assert (step.ttft, step.first, step.tpot, step.speed, step.energy) == (None,) * 5
    assert summary.point(step).throughput == 16.0
    made = samples.result(samples.run(step))
    assert result.load(result.dump(made)).runs[0].steps[0].rtf == step.rtf
    assert "Sound transcribed" in (html := page.page(made))
    assert "Time to the first token" not in html
    assert [d.figure for d in compare.compare(made, made)] == ["latency"]
