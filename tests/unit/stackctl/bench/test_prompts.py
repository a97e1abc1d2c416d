"""Prompts: as long as wanted, the same for the same seed, never with a prefix in common."""

from __future__ import annotations

import json

import pytest

from stackctl.bench import prompts
from stackctl.bench.prompts import PROBES, Dialect, Scale
from stackctl.model.load import Target


def test_the_same_for_everybody_with_the_seed() -> None:
    assert prompts.text(50, 7, 3) == prompts.text(50, 7, 3)
    assert prompts.text(50, 7, 3) != prompts.text(50, 8, 3)


def test_no_prefix_in_common() -> None:
    beginnings = {prompts.text(50, 7, number)[:8] for number in range(500)}
    assert len(beginnings) == 500


@pytest.mark.parametrize("tokens", [64, 512, 8000])
def test_as_long_as_wanted(tokens: int) -> None:
    """A server that has 30 tokens of a template, and 1.25 tokens for a word."""

    def counted(words: int) -> int:
        return round(30 + 1.25 * words)

    scale = prompts.scale([counted(n) for n in PROBES])
    assert scale.measured
    assert abs(counted(scale.words(tokens)) - tokens) <= 2


def test_a_server_that_does_not_count() -> None:
    assert prompts.scale([None, None]) == Scale()
    assert prompts.scale([50, 50]) == Scale()
    assert Scale().words(100) == 100
    assert Scale(fixed=500, per_word=1).words(100) == 1


def test_fields_that_a_server_refuses_are_left_out_one_by_one() -> None:
    target = Target("api", "https://api.example/v1", "m", extra=(("reasoning_effort", "none"),))
    full = json.loads(prompts.body(target, "hello", 5, Dialect()))
    assert full["max_tokens"] == 5
    assert full["reasoning_effort"] == "none"
    assert full["stream_options"] == {"include_usage": True}
    dialect: Dialect | None = Dialect()
    for complaint in (
        "'max_tokens' is not supported: use 'max_completion_tokens'",
        "'temperature' does not support 0",
        "unknown field stream_options",
        "reasoning_effort: none is not one of low, medium, high",
    ):
        assert dialect
        dialect = dialect.without(complaint)
    assert dialect
    assert json.loads(prompts.body(target, "hello", 5, dialect)) == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "stream": True,
        "max_completion_tokens": 5,
    }
    assert dialect.without("max_completion_tokens is too large") is None
    assert dialect.without("no such model") is None
    assert len(dialect.notes()) == 3
