"""`stackctl keys list`: who may come in, and what came of it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict

from stackctl import report, settings
from stackctl.commands.gateway import apply, live
from stackctl.gateway import keys as key_files
from stackctl.model.gateway import Key, Usage
from stackctl.system import terminal

_HEADER = ("NAME", "LIMITS", "EXPIRES", "REQUESTS", "4XX", "5XX", "RUNNING", "TOKENS", "SENT")
_UNITS = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))
_SINCE = (
    "counted since the gateway was started. Tokens: of prompts + of answers;\n"
    "of streams with GATEWAY_COUNT_STREAMS=yes alone"
)


def show(*, as_json: bool) -> int:
    """All keys, never the keys themselves."""
    place = apply.Place(settings.find_root())
    keys = sorted(apply.load_keys(place), key=lambda key: key.name)
    usage = live.usage(place)
    terminal.out(_json(keys, usage) if as_json else _text(keys, usage, time.time()))
    return 0


def _json(keys: list[Key], usage: dict[str, Usage] | None) -> str:
    rows = [
        {
            **key_files.told(key),
            "usage": None if usage is None else asdict(usage.get(key.name, Usage())),
        }
        for key in keys
    ]
    return json.dumps({"gateway_runs": usage is not None, "keys": rows}, indent=2)


def _text(keys: list[Key], usage: dict[str, Usage] | None, now: float) -> str:
    if not keys:
        return "no keys yet: stackctl keys add NAME"
    rows = [_row(key, None if usage is None else usage.get(key.name, Usage()), now) for key in keys]
    below = "the gateway does not run: stackctl up gateway" if usage is None else _SINCE
    return f"{report.table(_HEADER, rows)}\n\n{below}"


def _row(key: Key, usage: Usage | None, now: float) -> tuple[str, ...]:
    head = (key.name, ", ".join(key_files.words(key)) or "-", _expires(key, now))
    if usage is None:
        return (*head, *"-" * 6)
    return (
        *head,
        str(usage.requests),
        str(usage.bad),
        str(usage.failed),
        str(usage.running),
        f"{usage.prompt_tokens} + {usage.completion_tokens}",
        _size(usage.bytes_out),
    )


def _expires(key: Key, now: float) -> str:
    if key.expires is None:
        return "never"
    return f"in {report.duration(key.expires - now)}" if key.expires > now else "EXPIRED"


def _size(count: int) -> str:
    unit = next((unit for unit in _UNITS if count >= unit[1]), None)
    return f"{count / unit[1]:.1f} {unit[0]}" if unit else f"{count} B"
