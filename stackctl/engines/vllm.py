"""vLLM. Its port stays closed until it is ready; the log is all there is to see before.

Formats: vLLM 0.10 to 0.33.
"""

from __future__ import annotations

import re

from stackctl.engines import answers, hub, lines, openai
from stackctl.engines.failures import vllm as failures
from stackctl.model import (
    AT_LEAST,
    Buffer,
    Documents,
    Engine,
    GpuProof,
    Progress,
    Served,
    Unavailable,
)

# a line of one tensor parallel worker begins with its name: `(Worker_TP1 pid=279) INFO …`
_RANK = r"(?:\(Worker[^)\n]*?TP(\d+)[^)\n]*\)[^\n]*?)?"
_LOADED = re.compile(_RANK + r"Model loading took (\d+(?:\.\d+)?) Gi?B(?: memory)?")
_KV = re.compile(r"(GPU|CPU) KV cache size: ([\d,]+) tokens")
_KV_MEMORY = re.compile(_RANK + r"Available KV cache memory: (\d+(?:\.\d+)?) GiB")
_ON_HOST = re.compile(r"Total CPU offloaded parameters: (\d+(?:\.\d+)?)")
_SHARDS = re.compile(r"Loading safetensors checkpoint shards: +(\d+)% Completed")
_TELLING = (
    "Model loading took",
    "KV cache size: ",
    "CPU offloaded parameters",
    "KV cache memory: ",
    "attention backend",
)
#: stages in the order in which vLLM passes them
_STAGES = (
    ("Application startup complete", "loaded", 100),
    ("Graph capturing finished", "CUDA graphs captured", 97),
    ("Capturing CUDA graphs", "capturing CUDA graphs", 90),
    ("KV cache size", "KV cache", 85),
    ("torch.compile", "compiling", 80),
    ("Model loading took", "weights loaded", 75),
)


def prove(log: str, _documents: Documents) -> GpuProof | Unavailable:
    """`Model loading took` is printed by GPU workers only; the KV cache line names the device.

    Each of the tensor parallel workers prints the line for its own GPU.
    """
    evidence = lines.having(log, *_TELLING)
    log = "\n".join(evidence)
    loads = _LOADED.findall(log)
    kv = _KV.findall(log)
    if not loads and not kv:
        return Unavailable("the log has no line that says where the model was loaded", "no-proof")
    on_gpu = bool(loads) and all(device == "GPU" for device, _ in kv)
    buffers = _per_rank("model", loads) if on_gpu else [Buffer("CPU", "model", AT_LEAST)]
    # with --cpu-offload-gb, each worker tells what it left on the host
    buffers += [Buffer("CPU", "model", float(gib) * 1024) for gib in _ON_HOST.findall(log)]
    memory = _KV_MEMORY.findall(log)
    buffers += (
        _per_rank("KV", memory)
        if on_gpu
        else [Buffer("CPU", "KV", float(gib) * 1024) for _, gib in memory[-1:]]
    )
    return GpuProof(tuple(buffers), None, 0.0, tuple(evidence))


def _per_rank(kind: str, found: list[tuple[str, str]]) -> list[Buffer]:
    """A buffer per line; its rank by its worker's name where that tells, else by its place."""
    ranks = [rank for rank, _ in found]
    if "" in ranks or len(set(ranks)) < len(ranks):
        ranks = [str(place) for place in range(len(found))]
    return [
        Buffer(f"CUDA{rank}", kind, float(gib) * 1024)
        for rank, (_, gib) in zip(ranks, found, strict=True)
    ]


def served(documents: Documents) -> Served | Unavailable:
    body = documents.get("/v1/models")
    models = openai.model_ids(body)
    if not models:
        return Unavailable("/v1/models lists no model")
    return Served(models, answers.context(body))


def version(documents: Documents) -> str:
    return answers.text(documents.get("/version"), "version")


def progress(log: str) -> Progress:
    if reached := lines.stage(log, _STAGES):
        return reached
    if shards := _SHARDS.findall(log):
        return Progress("loading weights", int(int(shards[-1]) * 0.7))
    return Progress("starting", 0)


ENGINE = Engine(
    name="vllm",
    title="vLLM",
    ready_path="/health",
    documents=("/v1/models", "/version"),
    progress=progress,
    prove=prove,
    served=served,
    version=version,
    ask=openai.ask,
    read_answer=openai.read_answer,
    model_path=hub.model_path,
    source=hub.source,
    failures=failures.FAILURES,
    slots=256,
    greedy=True,
)
