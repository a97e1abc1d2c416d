"""A server that chats on loopback, in the words a test tells it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from tests.integration import engine_server
from tests.integration.engine_server import Server

__all__ = ["MODELS", "Request", "Server", "serving"]

MODELS = {"data": [{"id": "m", "max_model_len": 900}]}


class Request(engine_server.Exchange):
    def refuse(self, status: int, message: str, **headers: str) -> None:
        self.json({"error": {"message": message}}, status, **headers)

    def begin(self) -> None:
        self.begin_stream("text/event-stream")

    def delta(self, **delta: Any) -> None:
        self.event({"choices": [{"delta": delta}]})

    def finish(self, reason: str = "stop", **usage: int) -> None:
        self.event({"choices": [{"delta": {}, "finish_reason": reason}]})
        if usage:
            self.event({"choices": [], "usage": usage})
        self.end_stream()

    def say(self, text: str) -> None:
        self.begin()
        self.delta(content=text)
        self.finish()


def serving(act: Callable[[Request], None]) -> AbstractContextManager[Server]:
    """`act` answers each question; /v1/models is answered with MODELS."""
    return engine_server.serving(act, Request, MODELS)
