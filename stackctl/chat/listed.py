"""The models in an answer of /v1/models. Pure."""

from __future__ import annotations

from typing import Any

from stackctl.chat.text import line


def listed(body: Any) -> dict[str, int | None]:
    """Name -> context window in tokens, where the server tells it."""
    entries = body.get("data") if isinstance(body, dict) else None
    return {
        line(str(entry["id"])): _context(entry)
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and entry.get("id")
    }


def _context(entry: dict[str, Any]) -> int | None:
    meta = entry.get("meta")  # llama.cpp's
    told = entry.get("max_model_len") or (meta.get("n_ctx") if isinstance(meta, dict) else None)
    return told if isinstance(told, int) and told > 0 else None
