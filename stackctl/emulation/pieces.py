"""What a choice is made of while it grows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stackctl.emulation.reading import Call


@dataclass(frozen=True, slots=True)
class Began:
    """The engine answers. `event`: one of its own, for the fields that are the same in all."""

    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Thought:
    """`key`: the engine's name for it."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Text:
    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """All calls of a choice: whole, and right."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class End:
    """`usage`: of all attempts. `outcome`: a word for the log."""

    finish: str
    usage: Mapping[str, Any]
    outcome: str


Piece = Began | Thought | Text | Called | End


def added(first: Mapping[str, Any], second: Any) -> dict[str, Any]:
    """Two `usage` as one: numbers added, at any depth."""
    total = dict(first)
    for key, value in (second if isinstance(second, dict) else {}).items():
        old = total.get(key)
        if isinstance(value, dict):
            total[key] = added(old if isinstance(old, dict) else {}, value)
        elif isinstance(value, int | float) and isinstance(old, int | float):
            total[key] = old + value
        elif value is not None or key not in total:
            total[key] = value
    return total
