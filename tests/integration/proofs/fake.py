"""An engine on loopback that answers as its brain does, where a test does not tell it otherwise."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from tests.integration import engine_server
from tests.integration.engine_server import Server
from tests.unit.stackctl.proofs import brain

__all__ = ["Exchange", "Server", "serving"]


class Exchange(engine_server.Exchange):
    def answer(self, whole: brain.Message) -> None:
        """A completion, streamed if that was asked for."""
        if not self.body.get("stream"):
            self.json(whole)
            return
        self.begin_stream()
        for event in brain.chunks(whole):
            self.event(event)
        self.end_stream()

    def right(self) -> None:
        self.answer(brain.completion(self.body))


def serving(act: Callable[[Exchange], None]) -> AbstractContextManager[Server]:
    """A server for which `act` answers each POST."""
    return engine_server.serving(act, Exchange)
