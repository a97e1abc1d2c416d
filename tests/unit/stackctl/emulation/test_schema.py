"""The schema of a reply takes what it should, and nothing else."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from stackctl.emulation import schema
from tests.unit.stackctl.emulation.asked import named, request, tool

PARIS = {"name": "get_weather", "arguments": {"city": "Paris"}}
TIME = {"name": "get_time", "arguments": {"zone": "Asia/Seoul"}}


def takes(value: Any, *, loose: bool = False, **more: Any) -> bool:
    made = schema.of_answer(request(**more), loose=loose)
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made).is_valid(value)


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ({"tool_calls": [PARIS]}, True),
        ({"tool_calls": [PARIS, TIME]}, True),
        ({"answer": "17"}, True),
        ({"tool_calls": []}, False),
        ({"tool_calls": [{"name": "get_weather", "arguments": {"zone": "x"}}]}, False),
        ({"tool_calls": [{"name": "other", "arguments": {}}]}, False),
        ({"tool_calls": [PARIS], "answer": "17"}, False),
        ({"answer": 17}, False),
        ({}, False),
    ],
)
def test_auto(value: Any, right: bool) -> None:
    assert takes(value) is right


def test_required_named_and_one_at_a_time() -> None:
    assert not takes({"answer": "17"}, tool_choice="required")
    assert takes({"tool_calls": [PARIS, PARIS]}, tool_choice="required")
    assert not takes({"tool_calls": [PARIS, PARIS]}, parallel_tool_calls=False)
    assert takes({"tool_calls": [PARIS]}, tool_choice=named("get_weather"))
    assert not takes({"tool_calls": [TIME]}, tool_choice=named("get_weather"))
    assert not takes({"tool_calls": [PARIS, PARIS]}, tool_choice=named("get_weather"))


def test_the_name_comes_before_the_arguments() -> None:
    made = schema.of_answer(request(tool_choice=named("get_weather")))
    assert list(made["properties"]["tool_calls"]["items"]["properties"]) == ["name", "arguments"]


def test_loosely_any_object_is_an_argument() -> None:
    assert takes({"tool_calls": [{"name": "get_time", "arguments": {"x": 1}}]}, loose=True)
    assert not takes({"tool_calls": [{"name": "get_time", "arguments": 1}]}, loose=True)


POINT = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
NAME = {"type": "string"}


def _with(definition: Any, where: str = "$defs") -> dict[str, Any]:
    at = {"$ref": f"#/{where}/Thing"}
    return {
        "type": "object",
        "properties": {"at": at},
        "required": ["at"],
        where: {"Thing": definition},
    }


def test_references_of_two_tools_do_not_meet() -> None:
    tools = [tool("a", _with(POINT)), tool("b", _with(NAME, "definitions"))]

    def right(name: str, at: Any) -> bool:
        return takes({"tool_calls": [{"name": name, "arguments": {"at": at}}]}, tools=tools)

    assert right("a", {"x": 1})
    assert right("b", "there")
    assert not right("a", "there")
    assert not right("b", {"x": 1})


def test_a_schema_that_refers_to_itself() -> None:
    tree = {"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": False}
    tools = [tool("t", tree)]

    def right(arguments: Any) -> bool:
        return takes({"tool_calls": [{"name": "t", "arguments": arguments}]}, tools=tools)

    assert right({"next": {"next": {}}})
    assert not right({"next": {"other": 1}})


def test_an_id_of_its_own_does_not_lead_references_astray() -> None:
    tools = [tool("a", {"$id": "http://x/y", "$schema": "http://z", **_with(POINT)})]
    call = {"name": "a", "arguments": {"at": {"x": 1}}}
    assert takes({"tool_calls": [call]}, tools=tools)


def test_an_answer_with_a_schema_of_the_clients() -> None:
    asked = {"type": "json_schema", "json_schema": {"name": "n", "schema": _with(POINT)}}
    assert takes({"answer": {"at": {"x": 1}}}, response_format=asked)
    assert not takes({"answer": "text"}, response_format=asked)
    assert takes({"answer": {"any": 1}}, response_format={"type": "json_object"})
