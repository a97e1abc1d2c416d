"""Secrets out of what is shown of a log: it is pasted into issues. Pure."""

from __future__ import annotations

import re

_SECRETS = (
    # Hugging Face, OpenAI and its likes, GitHub: known by their beginning
    re.compile(r"\b((?:hf_|sk-|gh[pousr]_|github_pat_|nvapi-))[A-Za-z0-9_-]{8,}"),
    re.compile(r"((?:Bearer|Basic) )[^\s\"',;]+"),
    # --api-key x, api_key='x', HF_TOKEN=x, 'api_key': ['x'], "password": "x"
    re.compile(
        r"((?i:(?:api[-_]?key|token|passw(?:or)?d|secret)[\"']?\s*[=:]"
        r"|--[\w-]*(?:api-key|token|password|secret)(?=\s))\s*[\[(]?[\"']?)"
        r"(?![\d\s]|None\b|True\b|False\b)[^\s\"',;)\]]{6,}"
    ),
    re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)"),
    re.compile(r"([?&](?:[\w-]*(?i:signature|credential|token|key)[\w-]*)=)[^&\s\"']+"),
)


def masked(text: str) -> str:
    """The text with every secret that can be told from a word replaced by ***."""
    for secret in _SECRETS:
        text = secret.sub(r"\1***", text)
    return text
