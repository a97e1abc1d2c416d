"""Requests that were sent to measure, and what came of each. Times in seconds."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Target:
    """An OpenAI-compatible API. `url` ends before `path`; `key` is a secret. `streams`: answers
    come as server-sent events, else each is a transcript."""

    name: str
    url: str
    model: str
    key: str = field(default="", repr=False)
    extra: tuple[tuple[str, str], ...] = ()  # more fields of each request: reasoning_effort
    path: str = "/chat/completions"
    content_type: str = "application/json"
    streams: bool = True


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait: for the first token and between two tokens; and for a rate limit to end
    (in all, for one request)."""

    tokens: float = 300.0
    limits: float = 120.0


@dataclass(slots=True)
class Outcome:
    """One request. A failed one has a name of its `failure` (docs/bench.md has them all).

    `first` counts from the request to the first chunk, which may hold a role and no text, `ttft` to
    the first text, of reasoning or of content, `latency` to the last chunk. `gaps` are the times
    between chunks. `tokens` is what the server counted (None: it does not tell), `chunks` and
    `thoughts` how many chunks had content and reasoning.
    """

    began: float = 0.0
    ended: float = 0.0
    first: float = 0.0
    ttft: float = 0.0
    latency: float = 0.0
    gaps: array[float] = field(default_factory=lambda: array("d"))
    prompt_tokens: int | None = None
    tokens: int | None = None
    reasoning_tokens: int | None = None
    chunks: int = 0
    thoughts: int = 0
    throttled: int = 0  # answers 429 that were waited out
    failure: str = ""
    detail: str = ""

    @property
    def ok(self) -> bool:
        return not self.failure

    @property
    def count(self) -> int:
        """Output tokens: the server's count, else one for each chunk."""
        return self.tokens if self.tokens is not None else self.chunks + self.thoughts

    @property
    def reasoning(self) -> int:
        """Those of reasoning: as the server counted, else in proportion to the chunks."""
        if self.reasoning_tokens is not None:
            return self.reasoning_tokens
        both = self.chunks + self.thoughts
        return round(self.count * self.thoughts / both) if both else 0

    @property
    def tpot(self) -> float | None:
        """Time per output token after the first, as `vllm bench serve` defines it.

        From the first chunk on: tokens without a text, as those of gpt-oss ahead of its reasoning,
        are counted by the server, and take their time.
        """
        return (self.latency - self.first) / (self.count - 1) if self.count > 1 else None


@dataclass(frozen=True, slots=True)
class Volley:
    """Requests that were sent at one concurrency. `cpu` is the share of a core that we used."""

    outcomes: tuple[Outcome, ...]
    seconds: float
    cpu: float


@dataclass(frozen=True, slots=True)
class PowerSample:
    """Watts of some GPUs together at a time (time.perf_counter)."""

    at: float
    watts: float


@dataclass(frozen=True, slots=True)
class Power:
    """What the GPUs of a service drew. `simulated`: the figures are made up."""

    samples: Sequence[PowerSample]
    gpus: int
    simulated: bool
