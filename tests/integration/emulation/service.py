"""The service on loopback, before engines of a test."""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
import uvicorn

from stackctl.emulation.app import create
from stackctl.emulation.settings import Settings
from tests.integration.engine_server import Exchange, Server
from tests.unit.stackctl.emulation.asked import body

#: seconds
PATIENCE = 20.0


@contextmanager
def emulating(retries: int = 2, **engines: str) -> Iterator[str]:
    """Its URL. `engines`: URLs by name; of any other name there is none."""
    application = create(Settings(retries), lambda name: engines.get(name, "http://127.0.0.1:1"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            application,
            access_log=False,
            server_header=False,
            date_header=False,
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            assert requests.get(f"{url}/healthz", timeout=PATIENCE).text == "ok\n"
            yield url
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


@dataclass
class Fake(Exchange):
    """An engine without tools, which says what a test tells it to."""

    def say(self, *pieces: str, finish: str = "stop", **more: Any) -> None:
        """A reply in pieces, streamed."""
        self.begin_stream()
        self.piece({"role": "assistant", "content": ""})
        for piece in pieces:
            self.piece({"content": piece})
        self.piece({}, finish)
        usage = {"prompt_tokens": 10, "completion_tokens": len(pieces), "total_tokens": 99}
        self.event({"id": "e", "model": "m", "choices": [], "usage": usage, **more})
        self.end_stream()

    def piece(self, delta: Mapping[str, Any], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        self.event({"id": "e", "created": 7, "model": "m", "choices": [choice]})

    def until_left(self) -> bool:
        """Whether whoever asked goes away before a test is over."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if select.select([self.handler.connection], [], [], 0.05)[0]:
                return not self.handler.connection.recv(1)
        return False


@dataclass
class Seen:
    """What a client gets of a stream."""

    events: list[Any] = field(default_factory=list)
    done: bool = False

    @property
    def text(self) -> str:
        return "".join(d.get("content") or "" for d in self.deltas)

    @property
    def deltas(self) -> list[Any]:
        return [e["choices"][0]["delta"] for e in self.events if e.get("choices")]

    @property
    def finish(self) -> list[str]:
        reasons = [e["choices"][0]["finish_reason"] for e in self.events if e.get("choices")]
        return [reason for reason in reasons if reason]

    @property
    def calls(self) -> dict[int, tuple[str, Any]]:
        """Put together by index, as clients do."""
        made: dict[int, list[str]] = {}
        for piece in (p for delta in self.deltas for p in delta.get("tool_calls", ())):
            one = made.setdefault(piece["index"], ["", ""])
            one[0] += piece["function"].get("name", "")
            one[1] += piece["function"]["arguments"]
        return {i: (name, json.loads(arguments)) for i, (name, arguments) in made.items()}


def ask(url: str, **more: Any) -> requests.Response:
    """A question with tools to the engine `fake`."""
    return requests.post(f"{url}/fake/v1/chat/completions", json=body(**more), timeout=PATIENCE)


def stream(url: str, **more: Any) -> Seen:
    seen = Seen()
    answer = ask(url, stream=True, **more)
    assert answer.status_code == 200, answer.text
    for line in answer.content.decode().split("\n\n"):
        data = line.removeprefix("data: ")
        if data == "[DONE]":
            seen.done = True
        elif data and not data.startswith(":"):
            seen.events.append(json.loads(data))
    return seen


__all__ = ["PATIENCE", "Fake", "Seen", "Server", "ask", "emulating", "stream"]
