"""Tool calls of an engine that has none, as clients see them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.integration.emulation.service import Fake, Server, ask, emulating, stream
from tests.integration.engine_server import serving
from tests.unit.stackctl.emulation.asked import named

PARIS = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
SEOUL = '{"name": "get_weather", "arguments": {"city": "서울"}}'
TWO = f'{{"tool_calls": [{PARIS}, {SEOUL}]}}'
CALLS = [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "서울"})]


@contextmanager
def before(act: Callable[[Fake], None], retries: int = 2) -> Iterator[tuple[str, Server]]:
    with serving(act, Fake) as server, emulating(retries, fake=server.url) as url:
        yield url, server


def pieces(text: str, size: int = 5) -> list[str]:
    return [text[i : i + size] for i in range(0, len(text), size)]


def called(message: Any) -> list[tuple[str, Any]]:
    functions = [call["function"] for call in message["tool_calls"]]
    return [(f["name"], json.loads(f["arguments"])) for f in functions]


def test_calls_in_openais_form() -> None:
    with before(lambda x: x.say(*pieces(TWO))) as (url, server):
        answer = ask(url).json()
    (choice,) = answer["choices"]
    assert called(choice["message"]) == CALLS
    assert choice["message"]["content"] is None
    assert choice["finish_reason"] == "tool_calls"
    assert "서울" in choice["message"]["tool_calls"][1]["function"]["arguments"]
    ids = [call["id"] for call in choice["message"]["tool_calls"]]
    assert len(set(ids)) == 2
    assert all(id_.startswith("call_") for id_ in ids)
    assert answer["object"] == "chat.completion"
    assert (answer["model"], answer["created"]) == ("m", 7)
    assert answer["usage"]["prompt_tokens"] == 10
    (request,) = server.requests
    assert {"tools", "tool_choice"}.isdisjoint(request)
    assert request["response_format"]["type"] == "json_schema"
    assert request["messages"][0]["role"] == "system"


def test_calls_streamed() -> None:
    with before(lambda x: x.say(*pieces(TWO))) as (url, _):
        seen = stream(url, stream_options={"include_usage": True})
    assert list(seen.calls.items()) == list(enumerate(CALLS))
    assert seen.text == ""
    assert seen.finish == ["tool_calls"]
    assert seen.done
    assert seen.deltas[0]["role"] == "assistant"
    assert seen.events[-1]["choices"] == []
    assert seen.events[-1]["usage"]["prompt_tokens"] == 10


def test_an_answer_flows_as_it_comes() -> None:
    with before(lambda x: x.say('{"answer": "It is', " 17", ' \\u00b0C."}')) as (url, _):
        assert ask(url).json()["choices"][0]["message"]["content"] == "It is 17 °C."
        seen = stream(url)
    assert [d["content"] for d in seen.deltas if d.get("content")] == ["It is", " 17", " °C."]
    assert seen.finish == ["stop"]
    assert seen.done
    assert not any("usage" in event for event in seen.events)


def test_thoughts_pass() -> None:
    def act(x: Fake) -> None:
        x.begin_stream()
        x.piece({"reasoning_content": "I ponder."})
        x.piece({"content": TWO}, "stop")
        x.end_stream()

    with before(act) as (url, _):
        message = ask(url).json()["choices"][0]["message"]
        seen = stream(url)
    assert message["reasoning_content"] == "I ponder."
    assert called(message) == CALLS
    assert seen.deltas[1] == {"reasoning_content": "I ponder."}


def _answers(*texts: str) -> Callable[[Fake], None]:
    return lambda x: x.say(*pieces(texts[min(x.number, len(texts)) - 1]))


@pytest.mark.parametrize(
    "wrong",
    [
        TWO.replace("get_weather", "weather"),
        TWO.replace("city", "town"),
        TWO.replace(": [", ": {"),
        '{"tool_calls": ',
    ],
)
def test_asked_again_after_a_fault(wrong: str) -> None:
    with before(_answers(wrong, TWO)) as (url, server):
        answer = ask(url).json()
    assert called(answer["choices"][0]["message"]) == CALLS
    assert answer["usage"]["prompt_tokens"] == 20
    assert len(server.requests) == 2
    *_, said, fault = server.requests[1]["messages"]
    assert (said["role"], said["content"]) == ("assistant", wrong)
    assert "not right" in fault["content"]


def test_nothing_of_a_wrong_call_is_streamed() -> None:
    with before(_answers(TWO.replace("서울", '", "x": "'), TWO)) as (url, _):
        seen = stream(url)
    assert list(seen.calls.values()) == CALLS
    assert seen.text == ""


def test_given_up_it_is_text_where_text_was_possible() -> None:
    wrong = TWO.replace("city", "town")
    with before(_answers(wrong)) as (url, server):
        message = ask(url).json()["choices"][0]["message"]
        assert message == {"role": "assistant", "content": wrong}
        assert len(server.requests) == 3
        assert stream(url).text == wrong


def test_given_up_it_is_an_error_where_a_call_was_required() -> None:
    with before(_answers('{"answer": "no"}'), retries=1) as (url, server):
        answer = ask(url, tool_choice="required")
        assert len(server.requests) == 2
        seen = stream(url, tool_choice=named("get_weather"))
    assert answer.status_code == 502
    assert "2 attempts" in answer.json()["error"]["message"]
    assert "a tool has to be called" in seen.events[-1]["error"]["message"]
    assert not seen.done


def test_an_engine_without_structured_output() -> None:
    def act(x: Fake) -> None:
        if "response_format" in x.body:
            x.json({"error": {"message": "response_format is not supported"}}, 400)
        else:
            x.say(f"Sure! ```json\n{TWO}\n```")

    with before(act) as (url, server):
        assert called(ask(url).json()["choices"][0]["message"]) == CALLS
        assert len(server.requests) == 3  # its own schema, any arguments, none
        assert list(stream(url).calls.values()) == CALLS
        assert len(server.requests) == 4  # it is remembered


def test_a_template_without_a_system_role() -> None:
    def act(x: Fake) -> None:
        if x.body["messages"][0]["role"] == "system":
            x.json({"error": {"message": "System role not supported"}}, 500)
        else:
            x.say(TWO)

    with before(act) as (url, server):
        assert called(ask(url).json()["choices"][0]["message"]) == CALLS
    assert [m["role"] for m in server.requests[-1]["messages"]] == ["user"]
    assert "response_format" in server.requests[-1]


def test_the_schema_is_refused_amid_the_stream() -> None:
    def act(x: Fake) -> None:
        if x.number == 1:
            x.begin_stream()
            x.event({"error": {"message": "failed to parse grammar", "code": 400}})
            x.end_stream()
        else:
            x.say(TWO)

    with before(act) as (url, _):
        assert list(stream(url).calls.values()) == CALLS


def test_several_choices() -> None:
    with before(lambda x: x.say(TWO)) as (url, server):
        answer = ask(url, n=3, seed=5).json()
        streamed = stream(url, n=2)
    assert [c["index"] for c in answer["choices"]] == [0, 1, 2]
    assert all(called(c["message"]) == CALLS for c in answer["choices"])
    assert sorted(r["seed"] for r in server.requests[:3]) == [5, 6, 7]
    assert {e["choices"][0]["index"] for e in streamed.events} == {0, 1}
    assert streamed.finish == ["tool_calls"] * 2
    assert streamed.done


def test_stop_words_cut_the_answer_and_not_the_json() -> None:
    with before(lambda x: x.say(*pieces('{"answer": "one, two, three"}', 3))) as (url, server):
        answer = ask(url, stop=["two", "}"]).json()
        seen = stream(url, stop="o, t")
    assert answer["choices"][0]["message"]["content"] == "one, "
    assert seen.text == "one, tw"
    assert seen.finish == ["stop"]
    assert "stop" not in server.requests[0]


@pytest.mark.parametrize(
    ("said", "content"), [('{"answer": "It is', "It is"), (TWO[:60], ""), ("It is", "It is")]
)
def test_what_the_engine_cut_off_stays_cut_off(said: str, content: str) -> None:
    with before(lambda x: x.say(said, finish="length")) as (url, server):
        (choice,) = ask(url).json()["choices"]
        seen = stream(url)
    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"] == seen.text == content
    assert seen.finish == ["length"]
    assert len(server.requests) == 2


def test_a_clients_own_format_of_the_answer() -> None:
    schema = {"type": "object", "properties": {"t": {"type": "integer"}}, "required": ["t"]}
    asked = {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}
    with before(_answers('{"answer": {"t": "x"}}', '{"answer": {"t": 17}}')) as (url, server):
        content = ask(url, response_format=asked).json()["choices"][0]["message"]["content"]
    assert json.loads(content) == {"t": 17}
    assert (
        schema
        in server.requests[0]["response_format"]["json_schema"]["schema"]["anyOf"][1][
            "properties"
        ].values()
    )


def test_an_engine_that_does_not_stream() -> None:
    def act(x: Fake) -> None:
        message = {"role": "assistant", "content": TWO}
        x.json({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})

    with before(act) as (url, _):
        assert called(ask(url).json()["choices"][0]["message"]) == CALLS
        assert list(stream(url).calls.values()) == CALLS


def test_results_of_tools_without_tools_are_words() -> None:
    messages = [
        {"role": "user", "content": "How is the weather?"},
        {"role": "assistant", "tool_calls": [{"id": "1", "function": json.loads(PARIS)}]},
        {"role": "tool", "tool_call_id": "1", "content": "17"},
    ]
    reply = {"choices": [{"message": {"role": "assistant", "content": "17."}}], "odd": 1}
    with before(lambda x: x.json(reply)) as (url, server):
        assert ask(url, messages=messages, tool_choice="none").json() == reply
    (request,) = server.requests
    assert {"tools", "tool_choice", "response_format"}.isdisjoint(request)
    assert [m["role"] for m in request["messages"]] == ["user", "assistant", "user"]
    assert request["messages"][2]["content"] == "Result of get_weather (1): 17"
