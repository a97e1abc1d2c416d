"""The service's own settings, checked before it starts."""

from __future__ import annotations

import os
from dataclasses import dataclass

#: beyond this a client waits for what will not come
_MOST_RETRIES = 10


@dataclass(frozen=True, slots=True)
class Settings:
    """`retries`: how often a model is asked again after a reply that is not right."""

    retries: int = 2


def read() -> Settings:
    """From the environment; SystemExit with a sentence for a value that cannot be."""
    text = os.environ.get("EMULATION_RETRIES") or str(Settings().retries)
    if not (text.isascii() and text.isdecimal() and int(text) <= _MOST_RETRIES):
        raise SystemExit(
            f"EMULATION_RETRIES is {text!r}: it has to be a number from 0 to {_MOST_RETRIES}"
        )
    return Settings(int(text))
