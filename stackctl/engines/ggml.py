"""Reading the load log of llama.cpp: llama-server itself, and Ollama, which runs one inside.

"offloaded N/N layers to GPU" alone proves nothing: with `--fit` the experts overflow to the host
and the line stays the same. So the buffers are what counts. Formats: llama.cpp b11669 (2026), and
the older `llm_load_tensors:` prefix.
"""

from __future__ import annotations

import re

from stackctl.model import Buffer, GpuProof, Progress, Unavailable, is_host

_BUFFER = re.compile(r"(\S+) +(model|KV|compute) buffer size += +(\d+(?:\.\d+)?) MiB")
_OFFLOADED = re.compile(r"offloaded (\d+)/(\d+) layers to GPU")
_OLLAMA_LEGACY = re.compile(r"layers\.model=(\d+).*?layers\.offload=(\d+)")
_VOCAB = re.compile(r"n_vocab += +(\d+)")
_EMBEDDING = re.compile(r"n_embd +=? *(\d+)")
_TENSOR_TYPE = re.compile(r"- type +(\w+): +\d+ tensors")
_START_OF_LOAD = re.compile(r"load_tensors: loading model tensors")

#: what the token embedding of gpt-oss takes on the host, by far the largest of the models in use:
#: 201088 x 2880 x 2 bytes = 1104.6 MiB (llama.cpp keeps it there on purpose)
EMBEDDING_MIB = 1104.7


def last_load(log: str) -> str:
    """The part of the log that tells of the last load; earlier loads and fit passes cut off."""
    starts = [match.start() for match in _START_OF_LOAD.finditer(log)]
    return log[starts[-1] :] if starts else log


def prove(log: str) -> GpuProof | Unavailable:
    """Where the last loaded model is, from its load lines."""
    part = last_load(log)
    lines = [line for line in part.splitlines() if "buffer size" in line or "offload" in line]
    buffers = tuple(
        Buffer(device=m[1], kind=m[2], mib=float(m[3]))
        for line in lines
        if (m := _BUFFER.search(line))
    )
    layers = None
    for line in lines:
        if m := _OFFLOADED.search(line):
            layers = (int(m[1]), int(m[2]))
        elif m := _OLLAMA_LEGACY.search(line):
            layers = (int(m[2]), int(m[1]))
    if not any(b.kind == "model" for b in buffers) and layers is None:
        return Unavailable("the log has no line that says where the model was loaded", "no-proof")
    evidence = tuple(
        re.sub(r"^[\d.]+ [A-Z] ", "", line.strip())
        for line in lines
        if "offloaded" in line or "model buffer" in line
    )
    return GpuProof(buffers, layers, host_allowance_mib(log), evidence, _split(buffers, layers))


def _split(buffers: tuple[Buffer, ...], layers: tuple[int, int] | None) -> tuple[int, ...]:
    """Layers per device in the order of the log; () where the log does not give it away.

    Every repeating layer has a KV cache of its own on its device, so the caches divide as the
    layers do; the output layer, the last of the count, is on the last device.
    """
    if layers is None or layers[0] != layers[1] or layers[1] < 2:
        return ()
    caches: dict[str, float] = {}
    for buffer in buffers:
        if buffer.kind == "KV" and not is_host(buffer.device):
            caches[buffer.device] = caches.get(buffer.device, 0.0) + buffer.mib
    total = sum(caches.values())
    if not total:
        return ()
    counts = [round((layers[1] - 1) * mib / total) for mib in caches.values()]
    counts[-1] = layers[1] - sum(counts[:-1])
    return tuple(counts) if min(counts) > 0 else ()


def host_allowance_mib(log: str) -> float:
    """Model memory that llama.cpp keeps on the host by design: one token embedding matrix."""
    vocab, embedding = _VOCAB.search(log), _EMBEDDING.search(log)
    if not vocab or not embedding:
        return EMBEDDING_MIB
    # a little more: small tensors lie beside it
    weight = _bytes_per_weight(set(_TENSOR_TYPE.findall(log)))
    return int(vocab[1]) * int(embedding[1]) * weight / (1 << 20) * 1.02 + 1


def _bytes_per_weight(types: set[str]) -> float:
    """Of the embedding: the widest type that the file has. Norms are f32 in every file."""
    if types == {"f32"}:
        return 4.0
    if not types or types & {"f16", "bf16"}:
        return 2.0
    return 34 / 32  # q8_0: 32 weights in 34 bytes; every other quantization is smaller


def progress(log: str) -> Progress:
    """The stage of loading, from the log's last telling line. Dots are llama.cpp's percentage."""
    log = last_load(log)  # a fit pass prints the same lines before
    if "server is listening" in log or "listening on http" in log or "model loaded" in log:
        return Progress("loaded", 100)
    if "compute buffer size" in log:
        return Progress("warming up", 95)
    if "KV buffer size" in log:
        return Progress("KV cache", 90)
    if "load_tensors" in log:
        dots = re.findall(r"^\.{2,}", log, re.MULTILINE)
        return Progress("loading weights", min(89, len(dots[-1]) if dots else 0))
    return Progress("starting", 0)
