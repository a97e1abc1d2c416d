"""Tokens of streams, where their owner wants them counted: GATEWAY_COUNT_STREAMS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from stackctl.commands.gateway import live
from stackctl.model.gateway import Usage
from tests.integration.gateway.client import chat
from tests.integration.gateway.door import Door, open_door, until

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def counting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with open_door(tmp_path_factory.mktemp("counting"), GATEWAY_COUNT_STREAMS="yes") as door:
        yield door


def event(**fields: Any) -> str:
    return json.dumps({"choices": [], **fields})


def tokens(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": 0}


def usage(door: Door, name: str) -> Usage:
    counted = live.usage(door.place)
    assert counted is not None
    return counted[name]


@pytest.mark.parametrize(
    ("tell", "prompt", "completion"),
    [
        # vLLM, if the client asks for it: not in the chunks before
        ([event(usage=None), event(usage=tokens(131072, 4096))], 131072, 4096),
        # with continuous_usage_stats each chunk tells all there was so far
        ([event(usage=tokens(12, n)) for n in (1, 2, 30)], 12, 30),
        # llama.cpp, unasked; then with both
        ([event(timings={"cache_n": 21, "prompt_n": 1, "predicted_n": 9})], 22, 9),
        (
            [event(usage=tokens(22, 9), timings={"cache_n": 21, "prompt_n": 1, "predicted_n": 9})],
            22,
            9,
        ),
        # /v1/responses
        ([event(response={"usage": {"input_tokens": 5, "output_tokens": 6}})], 5, 6),
        # a model that writes such words, and one that writes nothing but digits
        ([event(content='"usage": {"prompt_tokens": 99}')], 0, 0),
        ([event(usage={"prompt_tokens": "many"})], 0, 0),
        ([], 0, 0),
    ],
)
def test_what_the_last_events_tell(
    counting: Door, tell: list[str], prompt: int, completion: int
) -> None:
    assert streamed(counting, tell) == (prompt, completion)


def test_an_event_may_come_in_parts(counting: Door) -> None:
    assert streamed(counting, [event(usage=tokens(7, 3))], halves=True) == (7, 3)


def test_a_mistake_in_the_script_costs_the_figures_alone(counting: Door) -> None:
    script = counting.config.with_name("usage.lua")
    text = script.read_text(encoding="utf-8")
    try:
        broken = text.replace("local function told(text)", "local function told(text) error('no')")
        assert broken != text
        script.write_text(broken, encoding="utf-8")
        counting.reload(alone=True)
        counting.wait()
        assert streamed(counting, [event(usage=tokens(7, 3))]) == (0, 0)
    finally:
        script.write_text(text, encoding="utf-8")
        counting.reload(alone=True)
        counting.wait()


def streamed(door: Door, tell: list[str], **how: Any) -> tuple[int, int]:
    """Tokens counted of one stream, all of which has to arrive."""
    key = door.add_key()
    name = next(reversed(door.keys))
    with chat(door, key, chunks=3, tell=tell, **how) as answer:
        rows = [row.decode() for row in answer.iter_lines() if row]
    assert rows[3:] == [f"data: {each}" for each in tell] + ["data: [DONE]"]
    until(lambda: not usage(door, name).running, "nothing runs")
    counted = usage(door, name)
    return counted.prompt_tokens, counted.completion_tokens
