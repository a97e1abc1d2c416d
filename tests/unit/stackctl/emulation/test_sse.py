"""Events, however their bytes arrive."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.emulation.sse import Events

STREAM = (
    'data: {"a": "서울"}\n\n: a comment\n\nevent: x\ndata: one\ndata: two\n\n'
    "data:no blank\r\n\r\nid: 7\r\rdata: [DONE]\n\n"
).encode()
DATA = ['{"a": "서울"}', "one\ntwo", "no blank", "[DONE]"]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_cut_at_any_byte(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    events, found = Events(), list[str]()
    for start, end in pairwise(places):
        found += events.feed(STREAM[start:end])
    assert found + events.end() == DATA


@pytest.mark.parametrize("rest", [b"data: last", b"data: last\n", b"data: last\r"])
def test_a_last_line_without_its_end(rest: bytes) -> None:
    events = Events()
    assert events.feed(rest) + events.end() == ["last"]


def test_half_a_character() -> None:
    events = Events()
    events.feed("data: 서".encode()[:-1])
    with pytest.raises(UnicodeDecodeError):
        events.end()
    with pytest.raises(UnicodeDecodeError):
        Events().feed(b"data: \xff\n\n")


def test_an_event_without_end() -> None:
    events = Events()
    for _ in range(16):
        events.feed(b"x" * 2**20)
    with pytest.raises(ValueError, match="without end"):
        events.feed(b"x")
