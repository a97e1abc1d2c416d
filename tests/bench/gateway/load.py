"""Requests as clients write them, and what came of them."""

from __future__ import annotations

import json
from dataclasses import dataclass

#: the only key that any of the gateways knows
KEY = "sk-stack-" + "b" * 43
MODEL = "bench"
MIB = 1 << 20


@dataclass(frozen=True)
class Figures:
    """What the client has counted; `client.c` says what an error is."""

    requests: int
    errors: int
    seconds: float
    p50_us: float
    p99_us: float
    chunks: int
    chunk_p50_us: float
    chunk_p99_us: float
    reason: str  # of the first error

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def body(size: int, chunks: int = 0) -> bytes:
    """`size` bytes with `model` behind `messages`, as openai-python writes them."""
    messages = [
        {"role": "system", "content": "You are a careful assistant."},
        {"role": "user", "content": ""},
    ]
    more = {"stream": True, "max_tokens": chunks} if chunks else {}
    fields = {"messages": messages, **more, "model": MODEL}
    messages[1]["content"] = "x" * (size - len(_json(fields)))
    return _json(fields)


def request(content: bytes, key: str = KEY) -> bytes:
    """A whole HTTP request."""
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


def _json(fields: object) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


#: what is measured unless it is said otherwise
SMALL = request(body(1024))


def stream(chunks: int) -> bytes:
    """A request for that many chunks."""
    return request(body(1024, chunks))
