"""What models write, and what comes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.emulation.flow import Flow
from stackctl.emulation.reading import Calls, Fault, Said, read
from stackctl.emulation.wanted import Wanted
from tests.unit.stackctl.emulation.asked import named, request, tool

PARIS = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
ONE = f'{{"tool_calls": [{PARIS}]}}'


def names(found: Calls | Said | Fault) -> list[tuple[str, Any]]:
    assert isinstance(found, Calls), found
    return [(call.name, json.loads(call.arguments)) for call in found.calls]


@pytest.mark.parametrize(
    ("text", "repaired"),
    [
        (ONE, False),
        (f"  {ONE}\n", False),
        (f"<think>get_weather {{}}?</think>{ONE}", False),
        (f"```json\n{ONE}\n```", True),
        (f"I will call it: {ONE} Done.", True),
        (f"In {{city}}: {ONE}", True),
        (PARIS, True),
        (f"[{PARIS}]", False),
        (f"<tool_call>{PARIS}</tool_call>", True),
        (PARIS.replace("arguments", "parameters"), True),
        (f'{{"tool_calls": [{{"type": "function", "function": {PARIS}}}]}}', False),
        (ONE.replace("{", "{ ").replace("}}]}", "},}]"), True),
        (ONE.replace('"', "'"), True),
        (
            '{"tool_calls": [{"name": "get_weather", "arguments": "{\\"city\\": \\"Paris\\"}"}]}',
            False,
        ),
        (ONE.replace('"name"', "name").removesuffix("]}"), True),
    ],
)
def test_calls_as_models_write_them(text: str, repaired: bool) -> None:
    found = read(text, request())
    assert names(found) == [("get_weather", {"city": "Paris"})]
    assert isinstance(found, Calls)
    assert found.repaired is repaired


def test_calls_one_by_one_are_all_taken() -> None:
    text = f"<tool_call>{PARIS}</tool_call>\n<tool_call>{PARIS}</tool_call>"
    assert len(names(read(text, request()))) == 2


def test_of_a_list_that_is_broken_no_call_is_taken() -> None:
    text = f'{{"tool_calls": {{{PARIS}, {PARIS}]}}'
    assert isinstance(read(text, request()), Fault)


def test_unicode_stays_unicode() -> None:
    found = read(ONE.replace("Paris", "\\uc11c\\uc6b8"), request())
    assert isinstance(found, Calls)
    assert found.calls[0].arguments == '{"city": "서울"}'
    half = read(ONE.replace("Paris", "\\ud83d"), request())
    assert isinstance(half, Calls)
    assert half.calls[0].arguments == '{"city": "\ufffd"}'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ONE.replace("get_weather", "weather"), "there is no tool weather; there are get_weather"),
        (ONE.replace("city", "town"), "arguments of get_weather"),
        (ONE.replace('"Paris"', "7"), "city: 7 is not"),
        (ONE.replace('{"city": "Paris"}', "[1]"), "no JSON object"),
        (ONE.replace('{"city": "Paris"}', '"oops"'), "no JSON object"),
        ('{"tool_calls": [7]}', "no {name, arguments}"),
        ('{"tool_calls": []}', "empty"),
        ('Call {"get_weather"', "not the JSON object"),
        ("", "not the JSON object"),
    ],
)
def test_faults_are_named(text: str, says: str) -> None:
    found = read(text, request())
    assert isinstance(found, Fault), found
    assert says in found.what


def test_numbers_that_no_json_can_hold() -> None:
    asked = request(tools=[tool("f", {"properties": {"a": {"type": "number"}}})])
    for number in ("1e999", "NaN", "9" * 5000):
        found = read(f'{{"tool_calls": [{{"name": "f", "arguments": {{"a": {number}}}}}]}}', asked)
        # what is found instead must be JSON at least
        assert isinstance(found, Fault) or names(found)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "{" * 100_000, "{}" * 10_000])
def test_monsters_end(text: str) -> None:
    assert isinstance(read(text, request(tool_choice="required")), Fault)


def test_a_pattern_that_backtracks_for_ever_does_not() -> None:
    parameters = {"properties": {"a": {"type": "string", "pattern": "^(a+)+$"}}}
    asked = request(tools=[tool("f", parameters)])
    text = json.dumps({"tool_calls": [{"name": "f", "arguments": {"a": "a" * 40 + "!"}}]})
    assert isinstance(read(text, asked), Fault)


def test_a_schema_that_is_none_hinders_nobody() -> None:
    asked = request(
        tools=[tool("f", {"type": "object", "properties": {"a": {"type": "nonsense"}}})]
    )
    assert names(read('{"tool_calls": [{"name": "f", "arguments": {"a": 1}}]}', asked))


def test_required_and_named() -> None:
    assert isinstance(read('{"answer": "17"}', request(tool_choice="required")), Fault)
    assert isinstance(read("It is 17.", request(tool_choice="required")), Fault)
    chosen = request(tool_choice=named("get_time"))
    assert isinstance(read(ONE, chosen), Fault)
    two = f'{{"tool_calls": [{PARIS}, {PARIS}]}}'
    assert len(names(read(two, request(parallel_tool_calls=False)))) == 1
    assert len(names(read(two, request()))) == 2


def test_a_model_that_simply_answers() -> None:
    assert read("It is 17.", request()) == Said("It is 17.")
    assert read('In code: {"a": 1}', request()) == Said('In code: {"a": 1}')
    assert read("<think>hm</think>It is 17.", request()) == Said("It is 17.")


def test_what_was_cut_is_not_made_up() -> None:
    two = f'{{"tool_calls": [{PARIS}, {PARIS[:30]}'
    assert isinstance(read(two, request(), cut=True), Fault)
    assert names(read(ONE, request(), cut=True))
    assert read("It is", request(), cut=True) == Said("It is")
    assert isinstance(read('{ "answer" : ', request(), cut=True), Fault)


def test_an_answer_with_a_schema() -> None:
    schema = {"type": "object", "properties": {"t": {"type": "integer"}}, "required": ["t"]}
    asked = request(
        response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    )
    assert read('{"answer": {"t": 17, "city": "서울"}}', asked) == Said('{"t": 17, "city": "서울"}')
    assert isinstance(read('{"answer": {"t": "x"}}', asked), Fault)
    assert isinstance(read("It is 17.", asked), Fault)


def flowed(pieces: list[str], wanted: Wanted) -> tuple[str, bool]:
    flow = Flow(wanted)
    told = "".join(flow.feed(piece) for piece in pieces)
    rest = flow.end(cut=False)
    return told + (rest.text if isinstance(rest, Said) else ""), flow.answering


@given(st.text(), st.booleans(), st.sampled_from(["", " \n", "```json\n"]), st.data())
def test_an_answer_flows_wherever_it_is_cut(
    text: str, ascii_only: bool, before: str, data: st.DataObject
) -> None:
    written = before + json.dumps({"answer": text}, ensure_ascii=ascii_only)
    at = data.draw(st.integers(0, len(written)))
    for pieces in ([written[:at], written[at:]], list(written)):
        assert flowed(pieces, request()) == (text, True)


@given(
    st.sampled_from([ONE, f"Well: {ONE}", "It is 17.", '{"other": 1}', " " * 80 + ONE]), st.data()
)
def test_nothing_else_flows(written: str, data: st.DataObject) -> None:
    flow = Flow(request())
    at = data.draw(st.integers(0, len(written)))
    assert flow.feed(written[:at]) + flow.feed(written[at:]) == ""
    assert flow.text == written


def test_an_answer_flows_before_it_is_whole() -> None:
    flow = Flow(request())
    assert [flow.feed(p) for p in ('{"ans', 'wer": "It', " is \\", "n17")] == [
        "",
        "It",
        " is ",
        "\n17",
    ]
    forced = Flow(request(tool_choice="required"))
    assert forced.feed('{"answer": "It is') == ""
