"""What is asked, as data. One kind of question each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"


class Wants(StrEnum):
    """What the right answer is."""

    CALL = "a call"
    CALLS = "several calls"
    TEXT = "text, and no call"


@dataclass(frozen=True, slots=True)
class Case:
    """`holds`: of each group, one must be in the calls' arguments, or in the text. `forced`:
    tool_choice leaves the model no choice."""

    id: str
    title: str
    messages: tuple[Mapping[str, Any], ...]
    tools: tuple[Mapping[str, Any], ...]
    wants: Wants = Wants.CALL
    tool: str = "get_weather"
    choice: Any = "auto"
    forced: bool = False
    stream: bool = False
    path: str = CHAT
    holds: tuple[tuple[str, ...], ...] = ()

    @property
    def schemas(self) -> dict[str, Any]:
        """Parameters of the tools, by name."""
        return {t["function"]["name"]: t["function"]["parameters"] for t in self.tools}


def _user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def _tool(name: str, about: str, **properties: Any) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
    function = {"name": name, "description": about, "parameters": parameters}
    return {"type": "function", "function": function}


def _text(about: str) -> dict[str, Any]:
    return {"type": "string", "description": about}


WEATHER = _tool("get_weather", "The weather in a city, now.", city=_text("Name of the city"))
TIME = _tool("get_time", "The time in a time zone, now.", zone=_text("e.g. Asia/Seoul"))
BOOK = _tool(
    "book_table",
    "Books a table in a restaurant.",
    restaurant={
        "type": "object",
        "properties": {"name": _text("Its name"), "city": _text("The city, as the user writes it")},
        "required": ["name", "city"],
        "additionalProperties": False,
    },
    guests={
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "object",
            "properties": {
                "name": _text("As the user writes it"),
                "vegetarian": {"type": "boolean"},
            },
            "required": ["name", "vegetarian"],
            "additionalProperties": False,
        },
    },
)
PARIS = _user("How is the weather in Paris?")
#: `holds` of what may be written in two ways
_PARIS, _SEOUL = ("Paris", "파리"), ("Seoul", "서울")
_BOTH = _user("How is the weather in Paris, and how is it in Seoul? Ask for both at once.")
_NEUTRAL = _user("I am in Paris today.")
_ASKED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
        }
    ],
}
_TOLD = {
    "role": "tool",
    "tool_call_id": "call_1",
    "content": '{"sky": "hail", "celsius": 17}',
}
_TABLE = _user(
    "Book a table in the restaurant 한우마을 in 서울 for 김민준, who is vegetarian, and Zoë, "
    "who is not. Write all names exactly as I do."
)
_NAMED = {"type": "function", "function": {"name": "get_weather"}}

CASES: tuple[Case, ...] = (
    Case("single", "one call", (PARIS,), (WEATHER,), holds=(_PARIS,)),
    Case(
        "parallel",
        "two calls at once",
        (_BOTH,),
        (WEATHER, TIME),
        Wants.CALLS,
        holds=(_PARIS, _SEOUL),
    ),
    Case(
        "result",
        "the tool's result, answered",
        (PARIS, _ASKED, _TOLD),
        (WEATHER,),
        Wants.TEXT,
        holds=(("17", "hail"),),
    ),
    Case("stream", "one call, streamed", (PARIS,), (WEATHER,), stream=True, holds=(_PARIS,)),
    Case(
        "stream-parallel",
        "two calls at once, streamed",
        (_BOTH,),
        (WEATHER, TIME),
        Wants.CALLS,
        stream=True,
        holds=(_PARIS, _SEOUL),
    ),
    Case(
        "stream-result",
        "the tool's result, answered and streamed",
        (PARIS, _ASKED, _TOLD),
        (WEATHER,),
        Wants.TEXT,
        stream=True,
        holds=(("17", "hail"),),
    ),
    Case(
        "required",
        "tool_choice required",
        (_NEUTRAL,),
        (WEATHER,),
        choice="required",
        forced=True,
    ),
    Case("named", "tool_choice names it", (_NEUTRAL,), (WEATHER, TIME), choice=_NAMED, forced=True),
    Case(
        "none-needed",
        "a question that needs no tool",
        (_user("What is the capital of France?"),),
        (WEATHER,),
        Wants.TEXT,
        holds=(_PARIS,),
    ),
    Case(
        "nested",
        "nested arguments, in Unicode",
        (_TABLE,),
        (BOOK,),
        tool="book_table",
        holds=(("서울",), ("김민준",), ("Zoë",)),
    ),
    Case(
        "stream-nested",
        "nested arguments, in Unicode, streamed",
        (_TABLE,),
        (BOOK,),
        tool="book_table",
        stream=True,
        holds=(("서울",), ("김민준",), ("Zoë",)),
    ),
    Case("responses", "one call, Responses API", (PARIS,), (WEATHER,), path=RESPONSES),
)


def body(case: Case, model: str, max_tokens: int) -> dict[str, Any]:
    """The request. The temperature is the server's own: rates are of what its clients see."""
    if case.path == RESPONSES:
        return {
            "model": model,
            "input": list(case.messages),
            "tools": [{"type": "function", **tool["function"]} for tool in case.tools],
            "tool_choice": case.choice,
            "max_output_tokens": max_tokens,
        }
    made = plain(case.messages, model, max_tokens) | {
        "tools": list(case.tools),
        "tool_choice": case.choice,
    }
    if case.stream:
        made |= {"stream": True, "stream_options": {"include_usage": True}}
    return made


def plain(messages: tuple[Mapping[str, Any], ...], model: str, max_tokens: int) -> dict[str, Any]:
    """A request without tools."""
    return {"model": model, "messages": list(messages), "max_tokens": max_tokens}
