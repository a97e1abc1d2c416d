"""HAProxy, the gateway in front of the engines. It has no model and no GPU."""

from __future__ import annotations

from typing import Any

from stackctl.model import Documents, Engine, GpuProof, Progress, Request, Served, Unavailable

READY = "/healthz"


def prove(_log: str, _documents: Documents) -> GpuProof | Unavailable:
    return Unavailable("a gateway computes nothing", "no-proof")


def served(_documents: Documents) -> Served | Unavailable:
    return Unavailable("a gateway serves what is behind it")


def progress(log: str) -> Progress:
    return Progress("waits for its configuration" if "no configuration yet" in log else "starting")


def ask(_model: str) -> Request:
    return Request("GET", READY)


def read_answer(body: Any) -> str | Unavailable:
    if body == "ok":
        return "lets nobody in without a key"
    return Unavailable(f"answers {READY} with {str(body)[:80]!r}")


ENGINE = Engine(
    name="haproxy",
    title="HAProxy",
    ready_path=READY,
    documents=(),
    progress=progress,
    prove=prove,
    served=served,
    ask=ask,
    read_answer=read_answer,
)
