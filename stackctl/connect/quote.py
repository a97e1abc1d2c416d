"""A text as a literal of another language. Models are named by whoever made them."""

from __future__ import annotations

import json


def double(text: str) -> str:
    """Of Python, JavaScript, JSON and YAML alike."""
    return json.dumps(text)


def shell(text: str) -> str:
    """Of every POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def powershell(text: str) -> str:
    """In single quotes nothing is replaced; typographic quotes count as quotes there."""
    for mark in "'\u2018\u2019\u201a\u201b":
        text = text.replace(mark, mark * 2)
    return f"'{text}'"
