"""Pieces -> OpenAI's chat completion, whole or as the events of a stream. Pure."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from stackctl.emulation import sse
from stackctl.emulation.pieces import Began, Called, End, Piece, Text, Thought, added
from stackctl.emulation.reading import Call

#: of the engine's own events, what clients see
_SAME = ("id", "created", "model", "system_fingerprint", "service_tier")


@dataclass(slots=True)
class Head:
    """The fields that all events of an answer share. `object`: OpenAI's word for the form."""

    object: str
    fields: dict[str, Any] = field(default_factory=dict)

    def learn(self, event: Mapping[str, Any]) -> None:
        """From the engine's first event; its other ones say the same."""
        if not self.fields:
            made = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time())}
            told = {key: event[key] for key in _SAME if event.get(key) is not None}
            self.fields = {**made, "model": "", **told, "object": self.object}


@dataclass(slots=True)
class Whole:
    """A completion that is not streamed."""

    choices: int
    head: Head = field(default_factory=lambda: Head("chat.completion"))
    usage: dict[str, Any] = field(default_factory=dict)
    _messages: dict[int, dict[str, Any]] = field(default_factory=dict)
    _finishes: dict[int, str] = field(default_factory=dict)

    def add(self, index: int, piece: Piece) -> None:
        message = self._messages.setdefault(index, {"role": "assistant", "content": None})
        match piece:
            case Began(event):
                self.head.learn(event)
            case Thought(key, text):
                message[key] = message.get(key, "") + text
            case Text(text):
                message["content"] = (message["content"] or "") + text
            case Called(calls):
                message["tool_calls"] = [_call(call) for call in calls]
            case End(finish, usage):
                self._finishes[index] = finish
                self.usage = added(self.usage, usage)
                if "tool_calls" not in message:
                    message["content"] = message["content"] or ""

    @property
    def ended(self) -> bool:
        return len(self._finishes) == self.choices

    def body(self) -> dict[str, Any]:
        """The answer, when each choice has ended."""
        choices = [
            {
                "index": index,
                "message": self._messages[index],
                "logprobs": None,
                "finish_reason": self._finishes[index],
            }
            for index in range(self.choices)
        ]
        used = {"usage": self.usage} if self.usage else {}
        return {**self.head.fields, "choices": choices, **used}


@dataclass(slots=True)
class Streamed:
    """The events of a completion. `include_usage`: as the client asked."""

    choices: int
    include_usage: bool
    head: Head = field(default_factory=lambda: Head("chat.completion.chunk"))
    usage: dict[str, Any] = field(default_factory=dict)
    _begun: set[int] = field(default_factory=set)
    _ended: set[int] = field(default_factory=set)

    @property
    def ended(self) -> bool:
        return len(self._ended) == self.choices

    def events(self, index: int, piece: Piece) -> Iterator[bytes]:
        """What a piece adds; after the last one the end of the stream."""
        match piece:
            case Began(event):
                self.head.learn(event)
                if index not in self._begun:
                    self._begun.add(index)
                    yield self._chunk(index, {"role": "assistant", "content": ""})
            case Thought(key, text):
                yield self._chunk(index, {key: text})
            case Text(text):
                yield self._chunk(index, {"content": text})
            case Called(calls):
                for number, call in enumerate(calls):
                    yield from self._call(index, number, call)
            case End(finish, usage):
                self.usage = added(self.usage, usage)
                self._ended.add(index)
                yield self._chunk(index, {}, finish)
                if self.ended:
                    yield from self._last()

    def _call(self, index: int, number: int, call: Call) -> Iterator[bytes]:
        named = _call(call)
        arguments = named["function"].pop("arguments")
        named["function"]["arguments"] = ""
        yield self._chunk(index, {"tool_calls": [{"index": number, **named}]})
        piece = {"index": number, "function": {"arguments": arguments}}
        yield self._chunk(index, {"tool_calls": [piece]})

    def _last(self) -> Iterator[bytes]:
        if self.include_usage:
            yield sse.event({**self.head.fields, "choices": [], "usage": self.usage})
        yield sse.done()

    def _chunk(self, index: int, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        used = {"usage": None} if self.include_usage else {}
        return sse.event({**self.head.fields, "choices": [choice], **used})


def _call(call: Call) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": f"call_{secrets.token_hex(12)}", "type": "function", "function": function}
