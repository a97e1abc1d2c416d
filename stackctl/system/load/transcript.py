"""A transcript, which comes whole: one JSON object with a text."""

from __future__ import annotations

import json

from stackctl.model.load import Outcome
from stackctl.system.load.events import LARGEST, Broken, error_text


class Transcript:
    """Takes the place of `Events` for an answer that is no stream."""

    kind = b"application/json"

    def __init__(self, outcome: Outcome, began: float) -> None:
        self.outcome = outcome
        self.done = False  # only its length tells where it ends
        self.last = 0.0
        self.seen = False
        self._began = began
        self._body = b""

    def feed(self, data: bytes, now: float) -> None:
        """Raises Broken."""
        self.seen = True
        self._body += data
        self.outcome.latency = now - self._began
        if len(self._body) > LARGEST:
            raise Broken("endless", f"more than {LARGEST >> 20} MiB")

    def check_end(self) -> None:
        """The answer has ended: is it a transcript? One without a word is."""
        try:
            body = json.loads(self._body)
        except UnicodeDecodeError:
            raise Broken("wrong-utf8") from None
        except (ValueError, RecursionError):
            raise Broken("wrong-json", ascii(self._body[:100])[2:-1]) from None
        if not isinstance(body, dict) or not isinstance(body.get("text"), str):
            raise Broken("no-transcript", error_text(body) or ascii(self._body[:100])[2:-1])
        self.outcome.tokens = 0  # nobody counts those of a transcript
