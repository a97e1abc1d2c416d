"""The events of one streamed answer -> pieces to show, and the message they add up to. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from stackctl.chat.text import whole


class Kind(Enum):
    REASONING = "reasoning"
    CONTENT = "content"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Piece:
    kind: Kind
    text: str


class NotACompletion(ValueError):
    """An event that is no part of a chat completion; its text."""


class ErrorWithin(ValueError):
    """An error that came inside a stream of status 200."""

    def __init__(self, error: Any) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass
class Call:
    """A call as it grows: engines send its arguments in pieces."""

    id: str = ""
    name: str = ""
    arguments: str = ""

    def sent(self) -> dict[str, Any]:
        """As it goes back to the server with the history."""
        function = {"name": self.name, "arguments": self.arguments}
        return {"id": self.id, "type": "function", "function": function}


@dataclass
class Answer:
    """Feed it events as they come."""

    content: str = ""
    reasoning: str = ""
    finish: str = ""
    usage: dict[str, Any] | None = None
    _calls: dict[int, Call] = field(default_factory=dict)

    @property
    def calls(self) -> list[Call]:
        return [call for _, call in sorted(self._calls.items())]

    def take(self, event: Any) -> list[Piece]:
        """What is new. NotACompletion, ErrorWithin."""
        if not isinstance(event, dict):
            raise NotACompletion(str(event))
        if event.get("error"):
            raise ErrorWithin(event["error"])
        usage, choices = event.get("usage"), event.get("choices")
        if isinstance(usage, dict):
            self.usage = usage
        if choices is None and usage is None:
            raise NotACompletion(json.dumps(event))
        try:
            return [piece for choice in (choices or ())[:1] for piece in self._choice(choice)]
        except (AttributeError, KeyError, TypeError, IndexError):
            raise NotACompletion(json.dumps(event)) from None

    def message(self) -> dict[str, Any]:
        """As it goes into the history. Thoughts do not: templates drop them, or choke on them."""
        made: dict[str, Any] = {"role": "assistant", "content": whole(self.content)}
        if self._calls:
            for index, call in self._calls.items():
                call.id = call.id or f"call_{index}"  # its result has to name it
            made["content"] = made["content"] or None
            made["tool_calls"] = [call.sent() for call in self.calls]
        return made

    def _choice(self, choice: dict[str, Any]) -> Iterator[Piece]:
        # `message` where a server does not stream though it was asked to
        delta = choice.get("delta") or choice.get("message") or {}
        # vLLM, Ollama: reasoning; llama.cpp, SGLang, older vLLM: reasoning_content
        if text := _words(delta.get("reasoning_content") or delta.get("reasoning")):
            self.reasoning += text
            yield Piece(Kind.REASONING, text)
        if text := _words(delta.get("content")) or _words(delta.get("refusal")):
            self.content += text
            yield Piece(Kind.CONTENT, text)
        for entry in delta.get("tool_calls") or ():
            yield Piece(Kind.CALL, self._call(entry))
        self.finish = _words(choice.get("finish_reason")) or self.finish

    def _call(self, entry: dict[str, Any]) -> str:
        index = entry.get("index")
        if not isinstance(index, int):  # Gemini's API leaves it out: each is a whole call
            index = len(self._calls)
        call = self._calls.setdefault(index, Call())
        call.id = call.id or _words(entry.get("id"))
        function = entry.get("function") or {}
        call.name += _words(function.get("name"))
        arguments = function.get("arguments")
        text = arguments if isinstance(arguments, str) else ""
        if isinstance(arguments, dict):
            text = json.dumps(arguments)
        call.arguments += text
        return text


def _words(value: Any) -> str:
    """A text, or the texts of a list of parts."""
    if isinstance(value, list):
        return "".join(_words(part.get("text")) for part in value if isinstance(part, dict))
    return value if isinstance(value, str) else ""
