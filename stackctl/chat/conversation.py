"""What has been said, as it is sent each time, within the model's context window. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from stackctl.chat.text import whole

Message = dict[str, Any]
#: tokens in a byte of JSON, until a server has told: English has 0.25, Korean 0.3
_RATE = 0.35
#: of the window, for the answer, where the user set no limit
_ANSWER_SHARE = 0.25


@dataclass
class Conversation:
    """Turns of messages: a turn is a question, and all that came of it."""

    model: str
    system: str = ""
    context: int | None = None  # tokens
    max_tokens: int | None = None  # of one answer
    tools: Sequence[Message] = ()
    turns: list[list[Message]] = field(default_factory=list)
    rate: float = _RATE  # tokens in a byte
    counts: bool = True  # whether to ask for `usage`, which some servers refuse

    def ask(self, question: str) -> None:
        self.turns.append([{"role": "user", "content": whole(question)}])

    def add(self, message: Message) -> None:
        """To the turn that is open."""
        self.turns[-1].append(message)

    def abandon(self) -> None:
        """The question that got no answer: the next one must not come right after it, which
        templates of some models refuse."""
        self.turns.pop()

    def body(self) -> Message:
        made: Message = {
            "model": self.model,
            "messages": self._messages(),
            "stream": True,
        }
        if self.counts:
            made["stream_options"] = {"include_usage": True}
        if self.max_tokens:
            made["max_tokens"] = self.max_tokens
        if self.tools:
            made["tools"] = list(self.tools)
        return made

    def fit(self) -> int:
        """Drop the oldest turns that leave no room for an answer; how many. The question stays,
        however long: whether it fits is for the server to say."""
        dropped = 0
        while self.context and len(self.turns) > 1 and self._tokens() > self._room(self.context):
            del self.turns[0]
            dropped += 1
        return dropped

    def halve(self) -> int:
        """Drop the older half of the turns, as the server says that it is too much; how many."""
        dropped = len(self.turns) // 2
        del self.turns[:dropped]
        return dropped

    def measured(self, prompt_tokens: int) -> None:
        """What the server counted for `body`: the estimate follows it."""
        self.rate = max(0.01, prompt_tokens / max(1, self._bytes()))

    def _messages(self) -> list[Message]:
        system = [{"role": "system", "content": self.system}] if self.system else []
        return [*system, *(message for turn in self.turns for message in turn)]

    def _bytes(self) -> int:
        text = json.dumps([self._messages(), list(self.tools)], ensure_ascii=False)
        return len(text.encode("utf-8", "replace"))

    def _tokens(self) -> int:
        return int(self._bytes() * self.rate)

    def _room(self, context: int) -> int:
        return context - min(self.max_tokens or context, int(context * _ANSWER_SHARE))
