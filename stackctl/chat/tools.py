"""Two harmless tools, to see a model call them. Pure but for the time, which is handed in."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from stackctl.chat.calculator import CannotCompute, compute

TIME, CALCULATOR = "current_time", "calculator"


def _tool(name: str, description: str, properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    function = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": function}


OFFERED: tuple[dict[str, Any], ...] = (
    _tool(TIME, "The current date and time, here and in UTC.", {}),
    _tool(
        CALCULATOR,
        "Computes an arithmetic expression exactly.",
        {
            "expression": {
                "type": "string",
                "description": "numbers, + - * / // % **, brackets, sqrt(), abs(), round()",
            }
        },
    ),
)


def use(name: str, arguments: str, now: datetime) -> str:
    """The result for the model; what went wrong is a result as well, so that it may try again.
    `now`: with its time zone."""
    try:
        given = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return "error: the arguments are not JSON"
    if name == TIME:
        there = now.astimezone(UTC)
        return f"{now:%A} {now.isoformat(timespec='seconds')} (UTC: {there:%Y-%m-%d %H:%M:%S})"
    if name != CALCULATOR:
        return f"error: there is no tool of this name; there are {TIME} and {CALCULATOR}"
    expression = given.get("expression") if isinstance(given, dict) else None
    if not isinstance(expression, str):
        return 'error: calculator wants {"expression": "..."}'
    try:
        return str(compute(expression))
    except CannotCompute as error:
        return f"error: {error}"
