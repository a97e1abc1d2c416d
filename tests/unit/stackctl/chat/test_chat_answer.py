"""Events of the engines' dialects -> one message."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.chat.answer import Answer, ErrorWithin, Kind, NotACompletion, Piece


def delta(**values: Any) -> dict[str, Any]:
    return {"choices": [{"delta": values}]}


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_reasoning_apart(field: str) -> None:
    answer = Answer()
    assert answer.take(delta(role="assistant", content=None)) == []
    assert answer.take(delta(**{field: "hm"})) == [Piece(Kind.REASONING, "hm")]
    assert answer.take(delta(content="yes")) == [Piece(Kind.CONTENT, "yes")]
    assert (answer.reasoning, answer.content) == ("hm", "yes")
    assert answer.message() == {"role": "assistant", "content": "yes"}


def test_both_fields_are_told_once() -> None:
    answer = Answer()
    answer.take(delta(reasoning="hm", reasoning_content="hm"))
    assert answer.reasoning == "hm"


def test_calls_grow_by_index() -> None:
    answer = Answer()
    answer.take(delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "f"}}]))
    answer.take(delta(tool_calls=[{"index": 1, "function": {"name": "g", "arguments": {"x": 1}}}]))
    answer.take(delta(tool_calls=[{"index": 0, "function": {"arguments": "{}"}}]))
    answer.take({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})
    message = answer.message()
    assert message["content"] is None
    assert [(call["id"], call["function"]) for call in message["tool_calls"]] == [
        ("a", {"name": "f", "arguments": "{}"}),
        ("call_1", {"name": "g", "arguments": '{"x": 1}'}),
    ]
    assert answer.finish == "tool_calls"


def test_calls_without_an_index_are_whole() -> None:
    answer = Answer()
    for name in "fg":
        answer.take(delta(tool_calls=[{"id": name, "function": {"name": name}}]))
    assert [call.name for call in answer.calls] == ["f", "g"]


def test_usage() -> None:
    answer = Answer()
    assert answer.take({"choices": [], "usage": {"prompt_tokens": 3}}) == []
    assert answer.usage == {"prompt_tokens": 3}


def test_error_within() -> None:
    with pytest.raises(ErrorWithin):
        Answer().take({"error": {"message": "no"}})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "delta", "content", "tool_calls", "function", "index", "usage", "id"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_taken_or_refused(event: Any) -> None:
    answer = Answer()
    try:
        answer.take(event)
    except (NotACompletion, ErrorWithin):
        return
    answer.message()
