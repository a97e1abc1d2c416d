"""One prompt of a set length, and what became of it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from stackctl.model.reply import Reply
from stackctl.proofs import answer as answers
from stackctl.proofs import stream
from stackctl.proofs.context.prompt import DEPTHS, Prompt, found
from stackctl.proofs.trouble import Trouble

EXCEEDED = "context-exceeded"
#: of a prompt's tokens that may be counted otherwise: exactly, and as estimated
_EXACT, _ESTIMATED = 0.005, 0.04
_LEAST = 16  # tokens: what a template adds that the engine's tokenizer was not told of
_LIMIT = re.compile(
    r"available context size \((\d+)|maximum context length (?:is |of |\()(\d+)"
    r"|context window of (\d+)"
)


@dataclass(frozen=True, slots=True)
class Step:
    """`percent` of the promised window. Tokens: `sent` as counted before, `counted` as the answer
    says. `first`: seconds to the first token. `limit`: the window that a refusal names."""

    percent: int
    sent: int
    exact: bool = True
    counted: int | None = None
    first: float | None = None
    seconds: float = 0.0
    vram_mib: int | None = None
    found: tuple[bool, ...] = (False,) * len(DEPTHS)
    trouble: Trouble | None = None
    limit: int | None = None

    @property
    def cut(self) -> bool:
        """Whether the engine took less than was sent, and did not say so."""
        if self.trouble or self.counted is None:
            return False
        share = _EXACT if self.exact else _ESTIMATED
        return self.sent - self.counted > max(_LEAST, share * self.sent)

    @property
    def holds(self) -> bool:
        return self.trouble is None and not self.cut

    @property
    def refused(self) -> bool:
        return self.trouble is not None and self.trouble.kind == EXCEEDED


def read(percent: int, prompt: Prompt, sent: int, reply: Reply, *, exact: bool) -> Step:
    """What a reply says of the prompt."""
    trouble = answers.trouble(reply)
    whole = trouble or stream.assemble(reply)
    if isinstance(whole, Trouble):
        return Step(
            percent,
            sent,
            exact,
            seconds=reply.seconds,
            trouble=whole,
            limit=_limit(reply.body, whole.evidence),
        )
    return Step(
        percent,
        sent,
        exact,
        whole.prompt_tokens,
        stream.first_token(reply),
        reply.seconds,
        found=found(prompt, whole.content + whole.reasoning),
    )


def _limit(body: Any, text: str) -> int | None:
    error = body.get("error") if isinstance(body, dict) else None
    named = error.get("n_ctx") if isinstance(error, dict) else None
    if isinstance(named, int):
        return named
    match = _LIMIT.search(text)
    return int(next(filter(None, match.groups()))) if match else None
