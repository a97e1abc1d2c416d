"""What engines with an OpenAI-compatible API share: the question, and how to read the answer."""

from __future__ import annotations

from typing import Any

from stackctl.model import Request, Unavailable

#: enough for a reasoning model to think a little and still say something
MAX_TOKENS = 64


def ask(model: str) -> Request:
    """A short chat completion at temperature 0."""
    return Request(
        "POST",
        "/v1/chat/completions",
        json={
            "model": model,
            "messages": [{"role": "user", "content": "What is the capital of France?"}],
            "max_tokens": MAX_TOKENS,
            "temperature": 0,
        },
    )


def read_answer(body: Any) -> str | Unavailable:
    """The text of a chat completion. Reasoning without content yet is an answer, too."""
    try:
        message = dict(body["choices"][0]["message"])
    except (KeyError, IndexError, TypeError, ValueError):
        return Unavailable(f"not a chat completion: {str(body)[:200]}")
    for key in ("content", "reasoning", "reasoning_content"):
        if message.get(key):
            return str(message[key]).strip()
    return Unavailable("the answer has no text")


def model_ids(body: Any) -> tuple[str, ...]:
    """The names in an answer of /v1/models."""
    if not isinstance(body, dict):
        return ()
    entries = body.get("data")
    if not isinstance(entries, list):
        return ()
    return tuple(str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry)
