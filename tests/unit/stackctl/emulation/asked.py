"""Requests with tools, as clients send them."""

from __future__ import annotations

from typing import Any

from stackctl.emulation import wanted
from stackctl.emulation.wanted import Wanted
from stackctl.proofs.tools.cases import BOOK, TIME, WEATHER

USER = {"role": "user", "content": "How is the weather in Paris?"}


def body(**more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [USER], "tools": [WEATHER, TIME, BOOK], **more}


def request(**more: Any) -> Wanted:
    return wanted.read(body(**more))


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def tool(name: str, parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters}}
