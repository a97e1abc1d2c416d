"""SGLang. Its log tells, per tensor parallel rank, what the weights took of the GPU.

Formats: SGLang 0.5.23.
"""

from __future__ import annotations

import re

from stackctl.engines import answers, hub, lines, openai
from stackctl.engines.failures import sglang as failures
from stackctl.model import (
    Buffer,
    Documents,
    Engine,
    GpuProof,
    Progress,
    Served,
    Unavailable,
)

# each rank writes its own lines, with its place in front: `[2026-11-21 01:02:03 TP1] …`
_RANK = r"(?:TP(\d+)[^\]\n]*\] )?"
_LOADED = re.compile(_RANK + r"Load weight end\.[^\n]*?mem usage=(\d+(?:\.\d+)?) GB")
# before 0.5.23, and where the cache is not sized after the CUDA graphs
_KV = re.compile(
    _RANK + r"(?:[\w-]+ )?KV Cache is allocated\.[^\n]*?"
    r"(?:K size: (\d+(?:\.\d+)?) GB, V size: (\d+(?:\.\d+)?) GB|KV size: (\d+(?:\.\d+)?) GB)"
)
_KV_AFTER_GRAPHS = re.compile(
    _RANK + r"Post-capture KV sizing: (?:draft )?KV cache allocated\.[^\n]*?"
    r"KV size: (\d+(?:\.\d+)?) GB"
)
_POOL = re.compile(r"max_total_num_tokens=(\d+)[^\n]*?context_len=(\d+), available_(gpu|cpu)_mem")
_SHARDS = re.compile(r"(?:Multi-thread l|L)oading (?:\w+ )?(?:checkpoint )?shards: +(\d+)%")
_TELLING = (
    "Load weight end",
    "KV Cache is allocated",
    "KV cache allocated",
    "max_total_num_tokens=",
    "ttention backend",
)
_STAGES = (
    ("The server is fired up and ready to roll", "loaded", 100),
    ("max_total_num_tokens=", "starting the server", 98),
    ("CUDA graph end", "CUDA graphs captured", 97),
    ("CUDA graph begin", "capturing CUDA graphs", 90),
    ("cuda graph end", "CUDA graphs captured", 97),
    ("cuda graph begin", "capturing CUDA graphs", 90),
    ("Memory pool end", "KV cache", 85),
    ("Load weight end", "weights loaded", 75),
)


def prove(log: str, _documents: Documents) -> GpuProof | Unavailable:
    """The pool line says on which kind of device it all happened; it comes last."""
    evidence = lines.having(log, *_TELLING)
    log = "\n".join(evidence)
    loads = _LOADED.findall(log)
    pools = _POOL.findall(log)
    if not loads or not pools:
        return Unavailable("the log has no line that says where the model was loaded", "no-proof")
    on_gpu = pools[-1][2] == "gpu"
    buffers = [
        Buffer(f"CUDA{rank or 0}" if on_gpu else "CPU", "model", float(gb) * 1024)
        for rank, gb in loads
    ]
    caches = [
        (rank, float(k or whole) + float(v or 0)) for rank, k, v, whole in _KV.findall(log)
    ] + [(rank, float(gb)) for rank, gb in _KV_AFTER_GRAPHS.findall(log)]
    buffers += [
        Buffer(f"CUDA{rank or 0}" if on_gpu else "CPU", "KV", gb * 1024) for rank, gb in caches
    ]
    return GpuProof(tuple(buffers), None, 0.0, tuple(evidence))


def served(documents: Documents) -> Served | Unavailable:
    """A request may be as long as the context window, and no longer than the whole KV cache."""
    body = documents.get("/v1/models")
    models = openai.model_ids(body)
    if not models:
        return Unavailable("/v1/models lists no model")
    info = documents.get("/server_info")
    limits = (
        answers.context(body) or answers.number(info, "context_length"),
        answers.number(info, "max_total_num_tokens"),
    )
    return Served(models, min((limit for limit in limits if limit), default=None))


def version(documents: Documents) -> str:
    return answers.text(documents.get("/server_info"), "version")


def progress(log: str) -> Progress:
    if reached := lines.stage(log, _STAGES):
        return reached
    if shards := _SHARDS.findall("\n".join(lines.having(log, "shards: "))):
        return Progress("loading weights", int(int(shards[-1]) * 0.7))
    return Progress("loading weights" if "Load weight begin" in log else "starting", 0)


ENGINE = Engine(
    name="sglang",
    title="SGLang",
    # /health generates a token by default; /ready asks only whether it could
    ready_path="/ready",
    documents=("/v1/models", "/server_info"),
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
