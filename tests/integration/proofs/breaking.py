"""A proxy before a real engine: all passes through as it comes, and one tool call is broken."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.integration.engine_server import Exchange, serving

Json = dict[str, Any]
#: what is done to an answer, or to each event of a stream
Fault = Callable[[Json], None]
_PATIENCE = 60.0  # seconds


def arguments_cut(whole: Json) -> None:
    """A parser that lost the end."""
    for choice in whole["choices"]:
        said = choice.get("message") or choice["delta"]
        for call in said.get("tool_calls", ()):
            call["function"]["arguments"] = call["function"]["arguments"][:-3]


def call_as_text(whole: Json) -> None:
    """A parser that did not see the call."""
    choice = whole["choices"][0]
    call = choice["message"].pop("tool_calls")[0]["function"]
    choice["message"]["content"] = json.dumps({"name": call["name"], "arguments": {}})
    choice["finish_reason"] = "stop"


def wrong_finish(whole: Json) -> None:
    """Agents that look at it see no call."""
    for choice in whole["choices"]:
        choice["finish_reason"] = choice["finish_reason"] and "stop"


@dataclass
class Breaking:
    """`act` of a server: the answer number `which` to a question with tools gets the fault."""

    engine: str
    fault: Fault | None = None
    which: int = 7
    asked: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, x: Exchange) -> None:
        with self.lock:
            self.asked += "tools" in x.body
            fault = self.fault if "tools" in x.body and self.asked == self.which else None
        streamed = bool(x.body.get("stream"))
        with requests.post(
            self.engine + x.path, json=x.body, stream=streamed, timeout=_PATIENCE
        ) as answer:
            kind = answer.headers["Content-Type"]
            if streamed:
                x.begin_stream(kind)
                for line in filter(None, answer.iter_lines()):
                    x.chunk((_event(line, fault) if fault else line) + b"\n\n")
                x.chunk(b"")
            elif fault:
                whole = answer.json()
                fault(whole)
                x.json(whole)
            else:
                x.send(answer.status_code, kind, answer.content)


def _event(line: bytes, fault: Fault) -> bytes:
    if not line.startswith(b"data: {"):
        return line
    event = json.loads(line.removeprefix(b"data: "))
    fault(event)
    return b"data: " + json.dumps(event).encode()


@contextmanager
def proxy(engine: str, fault: Fault | None = None) -> Iterator[str]:
    """Its address."""
    with serving(Breaking(engine, fault), Exchange) as server:
        yield server.url
