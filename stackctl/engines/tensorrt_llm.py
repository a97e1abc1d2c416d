"""TensorRT-LLM (trtllm-serve, PyTorch backend).

It allocates its KV cache twice: a small one to measure with, then the real one, for which it cuts
the context window to what fits, with a warning and no error. Formats: 1.0 to 1.2.
"""

from __future__ import annotations

import re

from stackctl.engines import answers, hub, lines, openai
from stackctl.engines.failures import tensorrt_llm as failures
from stackctl.model import (
    AT_LEAST,
    LOG,
    Buffer,
    Documents,
    Engine,
    GpuProof,
    Progress,
    Served,
    Unavailable,
)

# Python lines tell their rank where there are several, lines of the C++ runtime do not
_WEIGHTS = re.compile(
    r"(?:\[(?:RANK|MPI_Rank) (\d+)\] )?\[I\] Memory used after loading model weights "
    r"\(inside torch\)[^\n]*?: (\d+(?:\.\d+)?) GiB"
)
_KV = re.compile(r"Allocated (\d+(?:\.\d+)?) GiB for max tokens in paged KV cache \((\d+)\)")
_CONTEXT = re.compile(r"\bmax_seq_len=(\d+), max_num_requests=")
_READ = re.compile(r"Loading safetensors weights in parallel: +(\d+)%")
_PLACED = re.compile(r"Loading weights: +(\d+)%")
_STAGES = (
    ("Application startup complete", "loaded", 100),
    ("Setting PyTorch memory fraction", "starting the server", 98),
    ("Estimated max memory in KV cache", "KV cache", 95),
    ("CUDA graph warmup", "capturing CUDA graphs", 90),
    ("for max tokens in paged KV cache", "measuring memory", 80),
    ("Model init total", "weights loaded", 75),
)


def prove(log: str, _documents: Documents) -> GpuProof | Unavailable:
    """Weights by what PyTorch's allocator holds on each GPU; the last KV cache of each rank."""
    evidence = lines.having(log, "after loading model weights (inside", "in paged KV cache (")
    log = "\n".join(evidence)
    weights = {rank or "0": float(gib) for rank, gib in _WEIGHTS.findall(log)}
    caches = [float(gib) for gib, _ in _KV.findall(log)]
    if not weights and not caches:
        return Unavailable("the log has no line that says where the model was loaded", "no-proof")
    ranks = sorted(weights, key=int) or ["0"]
    buffers = [
        Buffer(f"CUDA{rank}", "model", weights[rank] * 1024 if rank in weights else AT_LEAST)
        for rank in ranks
    ]
    buffers += [
        Buffer(f"CUDA{rank}", "KV", gib * 1024)
        for rank, gib in zip(ranks, caches[-len(ranks) :], strict=False)
    ]
    return GpuProof(tuple(buffers), None, 0.0, tuple(evidence))


def served(documents: Documents) -> Served | Unavailable:
    """The context window stands in the log alone, after it was cut to what fits."""
    models = openai.model_ids(documents.get("/v1/models"))
    if not models:
        return Unavailable("/v1/models lists no model")
    told = _CONTEXT.findall(str(documents.get(LOG, "")))
    return Served(models, int(told[-1]) if told else None)


def version(documents: Documents) -> str:
    return answers.text(documents.get("/version"), "version")


def progress(log: str) -> Progress:
    if reached := lines.stage(log, _STAGES):
        return reached
    # the files are read in one pass and put on the GPU in a second, each from 0 to 100
    if placed := _PLACED.findall(log):
        return Progress("loading weights", 20 + int(int(placed[-1]) * 0.5))
    if read := _READ.findall(log):
        return Progress("loading weights", int(int(read[-1]) * 0.2))
    return Progress("starting", 0)


ENGINE = Engine(
    name="tensorrt-llm",
    title="TensorRT-LLM",
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
    slots=128,
    greedy=True,
)
