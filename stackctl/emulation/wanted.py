"""What a request for a chat completion asks of the emulation. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from stackctl.emulation.errors import RefusedError

#: more than OpenAI takes protects nobody, and each tool makes prompt and grammar longer
MOST_TOOLS = 128
MOST_CHOICES = 16
#: levels of a tool's schema: engines walk them by recursion
DEEPEST = 64


class Need(Enum):
    """What has to be done with a request."""

    NOTHING = auto()  # pass it on as it came
    HISTORY = auto()  # no tools now, but calls and results in the messages
    TOOLS = auto()


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`tools`: those that may be called now. `single`: one call at most. `answer`: the JSON schema
    of an answer that is no call; None: plain text. `usage`: token counts are to be told."""

    tools: tuple[Tool, ...]
    required: bool = False
    single: bool = False
    answer: Mapping[str, Any] | None = None
    stops: tuple[str, ...] = ()
    choices: int = 1
    stream: bool = False
    usage: bool = True

    @property
    def choice(self) -> str:
        """In a word, for the log."""
        return "required" if self.required else "auto"


def need(body: Any) -> Need:
    """What a body's tools and messages ask for; RefusedError for `functions`."""
    if not isinstance(body, dict):
        return Need.NOTHING
    if body.get("functions"):
        raise RefusedError(
            400, "`functions` is the old name: send them as `tools`, each {type, function}"
        )
    if body.get("tools") and body.get("tool_choice") != "none":
        return Need.TOOLS
    messages = body.get("messages")
    told = isinstance(messages, list) and any(
        isinstance(m, dict) and (m.get("role") == "tool" or m.get("tool_calls")) for m in messages
    )
    # an engine without tools may refuse the mere word
    return Need.HISTORY if told or body.get("tools") else Need.NOTHING


def read(body: Mapping[str, Any]) -> Wanted:
    """Of a request with tools; RefusedError names what is wrong in it."""
    tools = _tools(body["tools"])
    choice, required = body.get("tool_choice"), False
    single = body.get("parallel_tool_calls") is False
    if isinstance(choice, dict):
        tools, required, single = (_named(choice, tools),), True, True
    elif choice not in (None, "auto", "required"):
        raise _wrong("tool_choice", "is none of auto, required, none, or a function's name")
    stream = body.get("stream") is True
    options = body.get("stream_options")
    told = isinstance(options, dict) and options.get("include_usage") is True
    return Wanted(
        tools,
        required or choice == "required",
        single,
        _answer(body.get("response_format")),
        _stops(body.get("stop")),
        _choices(body.get("n")),
        stream,
        told or not stream,
    )


def _wrong(where: str, what: str) -> RefusedError:
    return RefusedError(400, f"{where} {what}")


def _tools(given: Any) -> tuple[Tool, ...]:
    if not isinstance(given, list):
        raise _wrong("tools", "is no list")
    if len(given) > MOST_TOOLS:
        raise _wrong("tools", f"are {len(given)}: {MOST_TOOLS} are the most")
    tools = tuple(_tool(f"tools[{i}]", one) for i, one in enumerate(given))
    names = [tool.name for tool in tools]
    if double := next((name for name in names if names.count(name) > 1), ""):
        raise _wrong("tools", f"has two of the name {double!r}")
    return tools


def _tool(where: str, given: Any) -> Tool:
    function = given.get("function") if isinstance(given, dict) else None
    if not isinstance(function, dict) or given.get("type", "function") != "function":
        raise _wrong(where, "is no {type: function, function: {name, parameters}}")
    name, about = function.get("name"), function.get("description") or ""
    if not isinstance(name, str) or not name:
        raise _wrong(f"{where}.function.name", "is missing")
    if not isinstance(about, str):
        raise _wrong(f"{where}.function.description", "is no text")
    return Tool(name, about, _parameters(f"{where}.function", function.get("parameters")))


def _parameters(where: str, given: Any) -> Mapping[str, Any]:
    """A schema in which `type` is `object`, as arguments are."""
    if given is None or given == {}:
        return {"type": "object", "properties": {}, "additionalProperties": False}
    if not isinstance(given, dict):
        raise _wrong(f"{where}.parameters", "is no JSON schema")
    _sound(f"{where}.parameters", given)
    open_ended = {"type", "$ref", "anyOf", "oneOf", "allOf"}.isdisjoint(given)
    return {"type": "object", **given} if open_ended else given


def _sound(where: str, schema: Any) -> None:
    """No reference beyond the schema itself: nobody here would fetch it."""
    for depth, part in _parts(schema, 0):
        if depth > DEEPEST:
            raise _wrong(where, f"has more than {DEEPEST} levels")
        ref = part.get("$ref") if isinstance(part, dict) else None
        if isinstance(ref, str) and not (ref == "#" or ref.startswith("#/")):
            raise _wrong(where, f"refers to {ref}: only references within it (#/...) are taken")


def _parts(schema: Any, depth: int) -> Iterator[tuple[int, Any]]:
    yield depth, schema
    if depth <= DEEPEST:
        inner = schema.values() if isinstance(schema, dict) else schema
        if isinstance(schema, (dict, list)):
            for part in inner:
                yield from _parts(part, depth + 1)


def _named(choice: Mapping[str, Any], tools: tuple[Tool, ...]) -> Tool:
    function = choice.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    for tool in tools:
        if tool.name == name:
            return tool
    raise _wrong("tool_choice", f"names {name!r}, which is none of the tools")


def _answer(given: Any) -> Mapping[str, Any] | None:
    kind = given.get("type") if isinstance(given, dict) else None
    if given is None or kind == "text":
        return None
    if kind == "json_object":
        return {"type": "object"}
    inner = given.get("json_schema") if isinstance(given, dict) else None
    schema = inner.get("schema") if isinstance(inner, dict) else None
    if kind != "json_schema" or not isinstance(schema, dict):
        raise _wrong("response_format", "is none of text, json_object, json_schema")
    _sound("response_format", schema)
    return schema


def _stops(given: Any) -> tuple[str, ...]:
    stops = [given] if isinstance(given, str) else given or []
    if not isinstance(stops, list) or not all(isinstance(s, str) for s in stops):
        raise _wrong("stop", "is no text and no list of texts")
    return tuple(stop for stop in stops if stop)


def _choices(given: Any) -> int:
    if given is None:
        return 1
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= MOST_CHOICES:
        raise _wrong("n", f"is no number from 1 to {MOST_CHOICES}")
    return given
