"""llama.cpp's own server."""

from __future__ import annotations

from stackctl.engines import answers, ggml, openai
from stackctl.engines.failures import ggml as failures
from stackctl.model import Documents, Engine, GpuProof, Served, Unavailable


def prove(log: str, _documents: Documents) -> GpuProof | Unavailable:
    return ggml.prove(log)


def served(documents: Documents) -> Served | Unavailable:
    """Model alias and context of one slot: `--ctx-size` is divided by `--parallel`."""
    models = openai.model_ids(documents.get("/v1/models"))
    if not models:
        return Unavailable("/v1/models lists no model")
    context = answers.number(documents.get("/props"), "default_generation_settings", "n_ctx")
    return Served(models, context)


def version(documents: Documents) -> str:
    """`b11669-Debian`: the number of the build, and who built it."""
    return answers.text(documents.get("/props"), "build_info")


ENGINE = Engine(
    name="llama-cpp",
    title="llama.cpp",
    ready_path="/health",
    documents=("/v1/models", "/props"),
    progress=ggml.progress,
    prove=prove,
    served=served,
    version=version,
    ask=openai.ask,
    read_answer=openai.read_answer,
    model_path=lambda model: f"/models/llama-cpp/{model}.gguf",
    folder="llama-cpp",
    failures=failures.LLAMA,
    slots=1,
)
