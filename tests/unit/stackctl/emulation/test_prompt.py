"""Conversations with tools, for engines that know none."""

from __future__ import annotations

from typing import Any

import pytest

from stackctl.emulation.prompt import again, instructions, told
from tests.unit.stackctl.emulation.asked import USER, named, request

SYSTEM = {"role": "system", "content": "Be brief."}
FUNCTION = {"name": "get_weather", "arguments": '{"city": "서울"}'}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "c1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": '{"city": "서울"}'},
        }
    ],
}
TOLD = {"role": "tool", "tool_call_id": "c1", "content": "17 degrees"}
WRITTEN = '{"tool_calls": [{"name": "get_weather", "arguments": {"city": "서울"}}]}'


def test_the_tools_come_after_the_clients_own_words() -> None:
    system, user = told([SYSTEM, USER], request())
    assert system["role"] == "system"
    assert system["content"].startswith("Be brief.\n\nYou have tools.")
    assert '"name": "book_table"' in system["content"]
    assert user == USER


def test_without_a_system_message_there_is_one_now() -> None:
    system, user = told([USER], request())
    assert (system["role"], user) == ("system", USER)


def test_folded_into_the_first_message_of_the_user() -> None:
    (user,) = told([SYSTEM, USER], request(), folded=True)
    assert user["role"] == "user"
    assert user["content"].startswith("Be brief.")
    assert user["content"].endswith(USER["content"])


def test_calls_and_results_become_words() -> None:
    messages = told([USER, CALLED, TOLD, USER], request())[1:]
    assert messages == [
        USER,
        {"role": "assistant", "content": WRITTEN},
        {
            "role": "user",
            "content": f"Result of get_weather (c1): 17 degrees\n\n{USER['content']}",
        },
    ]


def test_answers_stand_in_the_form_in_which_they_were_written() -> None:
    said = {"role": "assistant", "content": 'It is "17".'}
    assert told([USER, said, USER], request())[2]["content"] == '{"answer": "It is \\"17\\"."}'
    assert told([USER, said, TOLD], None)[1]["content"] == 'It is "17".'


def test_without_tools_only_the_history_is_rewritten() -> None:
    assert told([SYSTEM, USER, CALLED, TOLD], None) == [
        SYSTEM,
        USER,
        {"role": "assistant", "content": WRITTEN},
        {"role": "user", "content": "Result of get_weather (c1): 17 degrees"},
    ]


def test_parts_are_kept() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    (*_, last) = told([CALLED, TOLD | {"content": [image]}, USER], request())
    head = {"type": "text", "text": "Result of get_weather (c1):"}
    assert last["content"] == [head, image, {"type": "text", "text": USER["content"]}]
    system = told([SYSTEM | {"content": [image]}, USER], request())[0]
    assert system["content"][0] == image
    assert system["content"][1]["text"].startswith("You have tools.")


def test_words_beside_a_call_are_kept() -> None:
    content = told([USER, CALLED | {"content": "Let me look."}], None)[1]["content"]
    assert content == f"Let me look.\n{WRITTEN}"


@pytest.mark.parametrize(
    "broken",
    [
        {"role": "assistant", "tool_calls": [None]},
        {"role": "assistant", "tool_calls": [{"function": "f"}]},
        {"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{oops"}}]},
        {"role": "tool"},
        {"role": "tool", "content": {"a": 1}},
        {"content": "no role"},
        "no message",
        None,
    ],
)
def test_broken_messages_are_the_engines_to_refuse(broken: Any) -> None:
    assert told([USER, broken], request())
    assert told([broken], None)


def test_what_is_said_follows_the_choice() -> None:
    assert '{"answer": "YOUR ANSWER"}' in instructions(request())
    assert "answer" not in instructions(request(tool_choice="required"))
    only = instructions(request(tool_choice=named("get_time")))
    assert "get_weather" not in only
    assert "Call one tool:" in only


def test_a_fault_is_named_and_turns_are_kept() -> None:
    messages = again([USER], '{"oops', "it is no JSON")
    assert [m["role"] for m in messages] == ["user", "assistant", "user"]
    assert "it is no JSON" in messages[-1]["content"]
