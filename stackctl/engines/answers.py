"""Reading an engine's JSON answers, which may be anything."""

from __future__ import annotations

from typing import Any


def text(body: Any, *keys: str) -> str:
    """The string under these keys; empty where there is none."""
    found = get(body, *keys)
    return found.strip() if isinstance(found, str) else ""


def number(body: Any, *keys: str) -> int | None:
    """The whole number under these keys."""
    found = get(body, *keys)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def get(body: Any, *keys: str) -> Any:
    """What is under these keys, one in the other; None where there is nothing."""
    for key in keys:
        body = body.get(key) if isinstance(body, dict) else None
    return body


def context(models: Any) -> int | None:
    """`max_model_len` of the first model in an answer of /v1/models (vLLM, SGLang)."""
    entries = get(models, "data")
    first = entries[0] if isinstance(entries, list) and entries else None
    return number(first, "max_model_len")
