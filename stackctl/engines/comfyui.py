"""ComfyUI. Its own statement of the device is the proof: /system_stats, devices[0].type."""

from __future__ import annotations

from typing import Any

from stackctl.engines import answers
from stackctl.engines.failures import comfyui as failures
from stackctl.model import (
    AT_LEAST,
    Buffer,
    Documents,
    Engine,
    GpuProof,
    Progress,
    Request,
    Served,
    Unavailable,
)


def prove(_log: str, documents: Documents) -> GpuProof | Unavailable:
    """ComfyUI loads a model at the first prompt, so what is proven is the device, not a size."""
    stats: Any = documents.get("/system_stats")
    try:
        device = stats["devices"][0]
        kind, name = str(device["type"]), str(device["name"])
    except (KeyError, IndexError, TypeError):
        return Unavailable("/system_stats names no device", "no-proof")
    buffer = Buffer("CUDA0" if kind == "cuda" else "CPU", "model", AT_LEAST)
    return GpuProof((buffer,), None, 0.0, (f"/system_stats: type {kind}, {name}",))


def served(_documents: Documents) -> Served | Unavailable:
    return Unavailable("ComfyUI serves whatever a prompt names")


def version(documents: Documents) -> str:
    return answers.text(documents.get("/system_stats"), "system", "comfyui_version")


def progress(log: str) -> Progress:
    if "To see the GUI go to" in log:
        return Progress("loaded", 100)
    return Progress("importing nodes", 50) if "pytorch version" in log else Progress("starting", 0)


def ask(_model: str) -> Request:
    """An empty image, saved: needs no checkpoint."""
    return Request(
        "POST",
        "/prompt",
        json={
            "client_id": "stackctl",
            "prompt": {
                "1": {
                    "class_type": "EmptyImage",
                    "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 255},
                },
                "2": {
                    "class_type": "SaveImage",
                    "inputs": {"images": ["1", 0], "filename_prefix": "stackctl"},
                },
            },
        },
    )


def read_answer(body: Any) -> str | Unavailable:
    if isinstance(body, dict) and body.get("prompt_id"):
        return f"took the prompt {body['prompt_id']}"
    return Unavailable(f"did not take the prompt: {str(body)[:200]}")


ENGINE = Engine(
    name="comfyui",
    title="ComfyUI",
    ready_path="/system_stats",
    documents=("/system_stats",),
    progress=progress,
    prove=prove,
    served=served,
    version=version,
    ask=ask,
    read_answer=read_answer,
    folder="comfyui",
    failures=failures.FAILURES,
    api="comfyui",
    slots=256,
)
