"""The emulation of tool calls in front of engines that have none. It has no model and no GPU."""

from __future__ import annotations

from typing import Any

from stackctl.model import (
    EMULATION,
    Documents,
    Engine,
    GpuProof,
    Progress,
    Request,
    Served,
    Unavailable,
)

READY = "/healthz"


def prove(_log: str, _documents: Documents) -> GpuProof | Unavailable:
    return Unavailable("the emulation of tool calls computes nothing", "no-proof")


def served(_documents: Documents) -> Served | Unavailable:
    return Unavailable("the emulation of tool calls serves what is behind it")


def progress(_log: str) -> Progress:
    return Progress("starting")


def ask(_model: str) -> Request:
    return Request("GET", READY)


def read_answer(body: Any) -> str | Unavailable:
    if isinstance(body, str) and body.strip() == "ok":
        return "makes tool calls"
    return Unavailable(f"answers {READY} with {str(body)[:80]!r}")


ENGINE = Engine(
    name=EMULATION,
    title="Emulation of tool calls",
    ready_path=READY,
    documents=(),
    progress=progress,
    prove=prove,
    served=served,
    ask=ask,
    read_answer=read_answer,
)
