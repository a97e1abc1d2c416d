"""What the box was at the last run without an error, and what is different now: most failures of a
box that worked yesterday are an upgrade of last night."""

from __future__ import annotations

import json
from collections.abc import Mapping

from stackctl.model.incident import Box


def step(green: Box, parts: Mapping[str, str], now: float, *, fine: bool) -> Box:
    """The record after a run. What could not be read this time ("") is kept from before."""
    if not fine:
        return green
    return Box(now, {**green.parts, **{name: text for name, text in parts.items() if text}})


def difference(green: Box, parts: Mapping[str, str]) -> tuple[str, ...]:
    """`driver: 580.159 -> 580.178`; nothing as long as there was no green run.

    What is not known now is no difference: a service that is down has no image.
    """
    if not green.parts:
        return ()
    return tuple(
        f"{name}: {green.parts.get(name, 'none')} -> {text}"
        for name, text in parts.items()
        if text and text != green.parts.get(name)
    )


def dump(box: Box) -> str:
    return json.dumps({"at": box.at, "parts": dict(box.parts)})


def load(text: str) -> Box:
    """What `dump` wrote; what cannot be read begins anew."""
    try:
        raw = json.loads(text or "{}")
        parts = {str(name): str(value) for name, value in raw.get("parts", {}).items()}
        return Box(float(raw.get("at", 0.0)), parts)
    except (ValueError, TypeError, AttributeError):
        return Box()
