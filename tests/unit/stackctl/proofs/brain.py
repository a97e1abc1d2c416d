"""A model that answers every question of `prove tools` rightly, and the faults put into it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

Message = dict[str, Any]

TABLE = {
    "restaurant": {"name": "한우마을", "city": "서울"},
    "guests": [
        {"name": "김민준", "vegetarian": True},
        {"name": "Zoë", "vegetarian": False},
    ],
}


def completion(body: Mapping[str, Any]) -> Message:
    """The right answer, as a chat completion."""
    last = body["messages"][-1]
    said = str(last["content"])
    calls: list[tuple[str, Any]] = []
    text = None
    if last["role"] == "tool":
        text = "It hails in Paris, at 17 degrees."
    elif "capital" in said or not body.get("tools"):
        text = "Paris is the capital of France."
    elif "restaurant" in said:
        calls = [("book_table", TABLE)]
    elif "both at once" in said:
        calls = [("get_weather", {"city": "Paris"}), ("get_weather", {"city": "Seoul"})]
    else:
        calls = [("get_weather", {"city": "Paris"})]
    message: Message = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {
                "id": f"call_{at}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(given, ensure_ascii=False)},
            }
            for at, (name, given) in enumerate(calls)
        ]
    length = len(json.dumps([body["messages"], body.get("tools")]))
    return {
        "object": "chat.completion",
        "choices": [
            {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
        ],
        "usage": {"prompt_tokens": length, "completion_tokens": 9, "total_tokens": length + 9},
    }


def chunks(whole: Message) -> list[Message]:
    """The same as a stream: arguments in pieces of three characters."""
    choice = whole["choices"][0]
    message = choice["message"]

    def chunk(finish: str | None = None, **delta: Any) -> Message:
        made = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"object": "chat.completion.chunk", "choices": [made]}

    made = [chunk(role="assistant", content=None)]
    if message["content"]:
        made += [chunk(content=word + " ") for word in message["content"].split()]
    calls = message.get("tool_calls")
    for index, call in enumerate(calls if isinstance(calls, list) else ()):
        given = call["function"]["arguments"]
        pieces = [given[at : at + 3] for at in range(0, len(given), 3)]
        head = {**call, "index": index, "function": {**call["function"], "arguments": ""}}
        made.append(chunk(tool_calls=[head]))
        made += [
            chunk(tool_calls=[{"index": index, "function": {"arguments": piece}}])
            for piece in pieces
        ]
    return [*made, chunk(choice["finish_reason"]), {"choices": [], "usage": whole["usage"]}]


def _message(whole: Message) -> Message:
    message: Message = whole["choices"][0]["message"]
    return message


def _function(whole: Message) -> Message:
    function: Message = _message(whole)["tool_calls"][0]["function"]
    return function


def _finish(reason: str) -> Callable[[Message], None]:
    return lambda whole: whole["choices"][0].update(finish_reason=reason)


def _text(content: str) -> Callable[[Message], None]:
    def fault(whole: Message) -> None:
        _message(whole).pop("tool_calls")
        _message(whole)["content"] = content
        _finish("stop")(whole)

    return fault


def _thoughts(whole: Message) -> None:
    """vLLM without a parser of calls, of a gpt-oss."""
    _text("")(whole)
    _message(whole)["reasoning"] = "I look it up."


def _template(whole: Message) -> None:
    _text("I cannot know the weather.")(whole)
    whole["usage"]["prompt_tokens"] = 70


def _arguments(value: Any) -> Callable[[Message], None]:
    return lambda whole: _function(whole).update(arguments=value)


def _beside(content: str) -> Callable[[Message], None]:
    return lambda whole: _message(whole).update(content=content)


def _mojibake(whole: Message) -> None:
    read = json.dumps(TABLE, ensure_ascii=False).encode().decode("latin-1")
    _function(whole).update(arguments=read)


CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris"}}\n</tool_call>'
HARMONY = '<|channel|>commentary to=functions.get_weather<|message|>{"city": "Paris"}<|call|>'
#: kind of failure, the case in which it is put, how
FAULTS: tuple[tuple[str, str, Callable[[Message], None]], ...] = (
    ("parser-missing", "single", _text(CALL)),
    ("parser-missing", "required", _text("[TOOL_CALLS][{}]")),
    ("parser-wrong", "single", _beside(CALL)),
    ("parser-wrong", "single", _arguments("[TOOL_CALLS]{}")),
    ("harmony-text", "single", _text(HARMONY)),
    ("harmony-text", "single", lambda w: _function(w).update(name="get_weather<|channel|>json")),
    ("tools-as-text", "single", _text('{"name": "get_weather", "arguments": {}}')),
    ("template-without-tools", "single", _template),
    ("no-call", "single", _text("I cannot know that.")),
    ("choice-ignored", "required", _text("How nice!")),
    ("choice-ignored", "named", lambda w: _function(w).update(name="get_time")),
    ("empty-answer", "single", _text("")),
    ("empty-answer", "single", _thoughts),
    ("empty-answer", "required", _thoughts),
    ("wrong-finish", "single", _finish("stop")),
    ("truncated", "single", _finish("length")),
    ("arguments-json", "single", _arguments('{"city": "Par')),
    ("arguments-json", "single", _arguments('{"city": NaN}')),
    ("arguments-json", "single", _arguments("[" * 100_000)),
    ("arguments-json", "single", _arguments(None)),
    ("arguments-object", "single", _arguments({"city": "Paris"})),
    ("arguments-schema", "single", _arguments('{"town": "Paris"}')),
    ("arguments-schema", "nested", _arguments('{"restaurant": "x", "guests": []}')),
    ("wrong-values", "single", _arguments('{"city": "Rome"}')),
    ("broken-characters", "single", _arguments('{"city": "Par\ufffd"}')),
    ("broken-characters", "nested", _mojibake),
    ("wrong-tool", "single", lambda w: _function(w).update(name="get_rain")),
    ("wrong-tool", "parallel", lambda w: _function(w).update(name="get_time")),
    ("calls-shape", "single", lambda w: _function(w).update(name=None)),
    ("calls-shape", "single", lambda w: _message(w).update(tool_calls={"name": "x"})),
    ("call-id", "single", lambda w: _message(w)["tool_calls"][0].pop("id")),
    ("call-id", "parallel", lambda w: _message(w)["tool_calls"][0].update(id="call_1")),
    ("text-beside-call", "single", _beside("I look it up.")),
    ("one-at-a-time", "parallel", lambda w: _message(w)["tool_calls"].pop()),
    ("not-a-completion", "single", lambda w: w["choices"].clear()),
    ("error-in-stream", "single", lambda w: w.update(error={"message": "it broke"})),
    (
        "harmony-header",
        "single",
        lambda w: w.update(error={"message": "Unexpected token 1 while expecting start token 2"}),
    ),
)
