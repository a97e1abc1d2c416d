"""What a request asks of the emulation."""

from __future__ import annotations

from typing import Any

import pytest

from stackctl.emulation import wanted
from stackctl.emulation.errors import RefusedError
from stackctl.emulation.wanted import Need
from tests.unit.stackctl.emulation.asked import USER, body, named, request, tool

CALLED = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
TOLD = {"role": "tool", "tool_call_id": "1", "content": "17"}


@pytest.mark.parametrize(
    ("given", "need"),
    [
        ({"messages": [USER]}, Need.NOTHING),
        ({"messages": [USER], "tools": []}, Need.NOTHING),
        ({"messages": [USER], "tools": None}, Need.NOTHING),
        (None, Need.NOTHING),
        ([], Need.NOTHING),
        ({"messages": "no list"}, Need.NOTHING),
        ({"messages": [USER, CALLED, TOLD]}, Need.HISTORY),
        ({"messages": [TOLD]}, Need.HISTORY),
        (body(tool_choice="none"), Need.HISTORY),
        (body(), Need.TOOLS),
        (body(tool_choice="auto"), Need.TOOLS),
    ],
)
def test_what_has_to_be_done(given: Any, need: Need) -> None:
    assert wanted.need(given) is need


def test_the_old_name_is_refused() -> None:
    with pytest.raises(RefusedError, match="`tools`"):
        wanted.need({"messages": [USER], "functions": [{"name": "f"}]})


def test_choices() -> None:
    assert not request().required
    assert request(tool_choice="required").required
    assert not request(tool_choice="required").single
    assert request(parallel_tool_calls=False).single
    chosen = request(tool_choice=named("get_time"))
    assert [t.name for t in chosen.tools] == ["get_time"]
    assert chosen.required
    assert chosen.single


def test_usage_is_told_of_whole_answers_and_on_request() -> None:
    assert request().usage
    assert not request(stream=True).usage
    assert request(stream=True, stream_options={"include_usage": True}).usage


def test_a_tool_without_parameters_takes_none() -> None:
    only = {"type": "object", "properties": {}, "additionalProperties": False}
    assert request(tools=[tool("f", None)]).tools[0].parameters == only
    assert request(tools=[tool("f", {})]).tools[0].parameters == only
    untyped = request(tools=[tool("f", {"properties": {"a": {}}})]).tools[0].parameters
    assert untyped["type"] == "object"


def _deep(levels: int) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"tools": {"a": 1}}, "tools is no list"),
        ({"tools": [tool(f"f{i}", {}) for i in range(129)]}, "128"),
        ({"tools": [tool("f", {}), tool("f", {})]}, "two of the name 'f'"),
        ({"tools": ["f"]}, r"tools\[0\]"),
        ({"tools": [{"type": "custom", "custom": {}}]}, r"tools\[0\]"),
        ({"tools": [tool("", {})]}, "name is missing"),
        ({"tools": [tool("f", "text")]}, "no JSON schema"),
        ({"tools": [tool("f", _deep(70))]}, "levels"),
        ({"tools": [tool("f", {"$ref": "http://x/y"})]}, "http://x/y"),
        ({"tools": [tool("f", {"properties": {"a": {"$ref": "#name"}}})]}, "#name"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": 7}, "tool_choice"),
        ({"tool_choice": named("nothing")}, "'nothing'"),
        ({"tool_choice": {"type": "function"}}, "tool_choice"),
        ({"response_format": {"type": "grammar"}}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"response_format": "json"}, "response_format"),
        ({"stop": [1]}, "stop"),
        ({"stop": {"a": 1}}, "stop"),
        ({"n": 0}, "n is no number"),
        ({"n": 17}, "n is no number"),
        ({"n": True}, "n is no number"),
        ({"n": "2"}, "n is no number"),
    ],
)
def test_bad_requests_are_named(more: dict[str, Any], says: str) -> None:
    with pytest.raises(RefusedError, match=says) as caught:
        request(**more)
    assert caught.value.status == 400
