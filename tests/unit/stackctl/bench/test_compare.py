"""Differences that were put in are found, and none that were not."""

from __future__ import annotations

from dataclasses import replace

from stackctl.bench import compare, summary
from tests.unit.stackctl.bench import samples


def verdicts(slower: float, seed: int) -> set[str]:
    a, b = samples.measured(), samples.measured(slower, seed)
    return {one.verdict for one in compare.compare(a, b)}


def test_what_was_slowed_down_is_slower() -> None:
    found = compare.compare(samples.measured(), samples.measured(1.3, 100))
    assert {(one.concurrency, one.figure) for one in found} == {
        (n, figure) for n in (1, 2, 4) for figure in ("ttft", "tpot", "latency")
    }
    for one in found:
        assert one.verdict == "slower"
        assert one.low < 1.3 < one.high or abs(one.ratio - 1.3) < 0.05
    assert verdicts(1 / 1.3, 100) == {"faster"}


def test_the_same_server_twice_is_noise() -> None:
    alarms = sum(bool(verdicts(1.0, seed) - {"noise"}) for seed in range(100, 200))
    assert alarms <= 3


def test_certain_and_too_small_to_matter() -> None:
    def exact(factor: float) -> object:
        shots = samples.volley(1, 32)
        for number, shot in enumerate(shots.outcomes):
            shot.ttft = factor * (0.1 + number * 1e-6)
        return samples.result(samples.run(summary.step(shots, 1)))

    a, b = exact(1.0), exact(1.01)
    assert isinstance(a, type(b))
    found = {one.figure: one for one in compare.compare(a, b)}  # type: ignore[arg-type]
    assert found["ttft"].verdict == "small"
    assert found["ttft"].p < 0.01


def test_a_handful_says_nothing() -> None:
    few = samples.result(samples.run(summary.step(samples.volley(1, 4), 1)))
    many = samples.result(samples.run(summary.step(samples.volley(1, 32, slower=9), 1)))
    assert {one.verdict for one in compare.compare(few, many)} == {"too few"}


def test_only_what_both_have_is_compared() -> None:
    one, two = samples.measured().runs[0], replace(samples.measured().runs[0], name="main")
    a, b = samples.result(one, two), samples.result(replace(one, name="other"), two)
    assert {found.name for found in compare.compare(a, b)} == {"main"}
    alone = samples.result(replace(one, name="other", model="another"))
    assert {found.name for found in compare.compare(samples.result(one), alone)} == {"coder"}
    said = compare.unlike(samples.result(one), replace(alone, output_tokens=64))
    assert said == ["output tokens: 128 in A, 64 in B", "coder: gpt-oss-20b in A, another in B"]


def test_who_fails_at_once_is_not_fast() -> None:
    """As an engine that refuses most requests: those that it answers are as quick as ever."""
    sound = samples.measured()
    shots = samples.volley(2)
    for shot in shots.outcomes[::4]:
        shot.failure = "http-500"
    failing = samples.result(samples.run(summary.step(shots, 2)))
    assert compare.broken(sound, failing) == [
        "coder at 2 at once: 8 of 32 requests failed in B, 0 of 32 in A"
    ]
    assert compare.broken(failing, failing) == compare.broken(failing, sound) == []
