"""What came back on one request to an OpenAI-compatible server. Times in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Broken(StrEnum):
    """How an exchange ended before its end, or in what could not be read."""

    UNREACHABLE = "unreachable"
    NO_ANSWER = "no-answer"  # nothing at all until the time was over
    SLOW = "too-slow"  # not ended when the time was over
    SILENT = "keep-alives-only"  # a stream of comments until the time was over
    CUT = "cut-off"
    NOT_HTTP = "not-http"
    NOT_JSON = "not-json"
    NOT_UTF8 = "not-utf8"
    HTML = "html"
    TOO_LARGE = "too-large"


@dataclass(frozen=True, slots=True)
class Reply:
    """`body` is parsed JSON, or text where it is none; `events` those of a stream, and `times` when
    each came, counted from the request. `done`: the stream ended with [DONE]."""

    status: int = 0  # 0: there was none
    body: Any = None
    streamed: bool = False
    events: tuple[Any, ...] = ()
    times: tuple[float, ...] = ()
    done: bool = False
    retry_after: str = ""
    broken: Broken | None = None
    evidence: str = ""
    seconds: float = 0.0
