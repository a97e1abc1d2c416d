"""Ollama. It loads a model when asked, in a llama-server child whose log lines come through.

A pulled model is a manifest that names blobs; whether the blobs are whole is another question.
"""

from __future__ import annotations

from typing import Any

from stackctl.engines import answers, ggml, openai
from stackctl.engines.failures import ollama as failures
from stackctl.model import (
    Buffer,
    Documents,
    Engine,
    GpuProof,
    Progress,
    Request,
    Served,
    Unavailable,
)


def load(model: str) -> Request:
    """An empty prompt loads the model and keeps it."""
    return Request("POST", "/api/generate", json={"model": model, "keep_alive": -1})


def prove(log: str, documents: Documents) -> GpuProof | Unavailable:
    """The child's buffer lines; /api/ps where the log has none: rotated away, or an old Ollama."""
    running = _running(documents)
    if "/api/ps" in documents and not running:
        return Unavailable("no model is loaded", "not-loaded")
    proof = ggml.prove(log)
    if not running or (isinstance(proof, GpuProof) and proof.buffers):
        return proof
    size = answers.number(running[0], "size") or 0
    vram = answers.number(running[0], "size_vram") or 0
    mib = 1 << 20
    buffers = [Buffer("GPU", "model", vram / mib)] if vram else []
    if size > vram:
        buffers.append(Buffer("CPU", "model", (size - vram) / mib))
    evidence: tuple[str, ...] = (f"/api/ps: size {size} bytes, size_vram {vram} bytes",)
    layers = None
    if isinstance(proof, GpuProof):
        layers, evidence = proof.layers, (*proof.evidence, *evidence)
    return GpuProof(tuple(buffers), layers, ggml.EMBEDDING_MIB, evidence)


def served(documents: Documents) -> Served | Unavailable:
    """The models in the store, and the context of the one that is loaded."""
    models = openai.model_ids(documents.get("/v1/models"))
    # a name without a tag means its tag `latest`
    untagged = tuple(m.removesuffix(":latest") for m in models if m.endswith(":latest"))
    running = _running(documents)
    context = answers.number(running[0], "context_length") if running else None
    return Served((*models, *untagged), context)


def version(documents: Documents) -> str:
    return answers.text(documents.get("/api/version"), "version")


def progress(log: str) -> Progress:
    if "starting llama-server" not in log and "loading model tensors" not in log:
        return Progress("server up" if "Listening on" in log else "starting", 0)
    return ggml.progress(log)


def model_path(model: str) -> str:
    """Where the manifest of a model of Ollama's own library lies in the store."""
    name, _, tag = model.partition(":")
    folder = name if "/" in name else f"library/{name}"
    host = "" if folder.count("/") > 1 else "registry.ollama.ai/"
    return f"/models/ollama/manifests/{host}{folder}/{tag or 'latest'}"


def _running(documents: Documents) -> list[dict[str, Any]]:
    entries = answers.get(documents.get("/api/ps"), "models")
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


ENGINE = Engine(
    name="ollama",
    title="Ollama",
    ready_path="/api/version",
    documents=("/v1/models", "/api/ps"),
    progress=progress,
    prove=prove,
    served=served,
    version=version,
    ask=openai.ask,
    read_answer=openai.read_answer,
    load=load,
    model_path=model_path,
    source=lambda model: f"ollama:{model}",
    failures=failures.FAILURES,
    slots=1,
    strict=True,
)
