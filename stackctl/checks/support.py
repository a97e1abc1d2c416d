"""Can this engine run this model on this GPU? Asked before anything is downloaded or loaded.

Compute capability by card: 7.5 Turing (RTX 8000), 8.0 and 8.6 Ampere (A100, RTX 3090), 8.9 Ada
(RTX 4090), 9.0 Hopper (H100, H20), 10.0 Blackwell (B200), 12.0 consumer Blackwell (RTX 5090).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from stackctl.checks.gpus import gpus_of
from stackctl.model import Check, Driver, Facts, Finding, Gpu, Phase, Service, Severity

ID = "engine.suits-gpu"
Capability = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Rule:
    """For `engine` and models whose name contains `model`: below `minimum` it is as `severity`."""

    engine: str
    model: str
    minimum: Capability
    severity: Severity
    reason: str
    source: str


RULES = (
    Rule(
        "vllm",
        "gpt-oss",
        (8, 0),
        Severity.ERROR,
        "vLLM runs gpt-oss in bfloat16, which needs compute capability 8.0",
        "vLLM 0.32: `Bfloat16 is only supported on GPUs with compute capability of at least 8.0`",
    ),
    Rule(
        "vllm",
        "",
        (7, 5),
        Severity.ERROR,
        "vLLM's wheels hold no code for older GPUs",
        "vLLM documentation, GPU requirements",
    ),
    Rule(
        "sglang",
        "",
        (8, 0),
        Severity.ERROR,
        "SGLang's kernels, those for MXFP4 among them, need compute capability 8.0",
        "SGLang documentation, supported hardware",
    ),
    Rule(
        "tensorrt-llm",
        "gpt-oss",
        (9, 0),
        Severity.ERROR,
        "TensorRT-LLM has MXFP4 kernels for Hopper and Blackwell only",
        "TensorRT-LLM 1.2, deployment guide for gpt-oss",
    ),
    Rule(
        "tensorrt-llm",
        "",
        (8, 0),
        Severity.ERROR,
        "TensorRT-LLM supports Ampere and newer",
        "TensorRT-LLM 1.2, support matrix",
    ),
    Rule(
        "transformers",
        "gpt-oss",
        (7, 5),
        Severity.ERROR,
        "transformers' MXFP4 kernels need compute capability 7.5",
        "transformers documentation, MXFP4",
    ),
    Rule(
        "transformers",
        "gpt-oss",
        (8, 0),
        Severity.WARNING,
        "without bfloat16 in hardware transformers is slow, or unpacks the weights to four times "
        "their size",
        "transformers documentation, MXFP4",
    ),
    Rule(
        "ollama",
        "",
        (5, 0),
        Severity.ERROR,
        "Ollama's CUDA build needs compute capability 5.0",
        "Ollama documentation, hardware support",
    ),
)

#: engines that run on every GPU of the last ten years
ANYWHERE = "ollama or llama-cpp"


@dataclass(frozen=True, slots=True)
class Note:
    """Good to know: what the engine chooses by itself on such a GPU."""

    engine: str
    model: str
    lowest: Capability
    highest: Capability
    text: str


#: gpt-oss has attention sinks. Sources: vLLM 0.32 and SGLang 0.5.23, read.
NOTES = (
    Note("vllm", "gpt-oss", (8, 0), (8, 9), "attention: TRITON_ATTN, sinks need FlashAttention 3"),
    Note("vllm", "gpt-oss", (9, 0), (9, 9), "attention: FLASH_ATTN 3"),
    Note("vllm", "gpt-oss", (10, 0), (11, 9), "attention: FLASHINFER (TensorRT-LLM kernels)"),
    Note("vllm", "gpt-oss", (12, 0), (12, 9), "attention: TRITON_ATTN, no other has sinks here"),
    Note("sglang", "gpt-oss", (9, 0), (9, 9), "attention: fa3, MoE: triton_kernel"),
    Note("sglang", "gpt-oss", (10, 0), (11, 9), "attention: trtllm_mha, MoE: flashinfer_mxfp4"),
    Note("sglang", "gpt-oss", (12, 0), (12, 9), "attention: triton, MoE: flashinfer_mxfp4"),
)


def suits(facts: Facts) -> Iterable[Finding]:
    assert isinstance(facts.driver, Driver)
    for service in facts.planned:
        gpus = [gpu for gpu in gpus_of(service, facts) if gpu.compute != (0, 0)]
        if gpus:
            yield _capability(service, min(gpus, key=lambda gpu: gpu.compute))
        if service.cuda and _version(facts.driver.cuda) < _version(service.cuda):
            yield Finding(
                ID,
                Severity.ERROR,
                service.name,
                f"its image needs CUDA {service.cuda}, the driver {facts.driver.version} "
                f"offers {facts.driver.cuda}",
                evidence=f"image: {service.image}",
                cause="a driver runs containers of its own CUDA version and older ones",
                fix="upgrade the NVIDIA driver, or take an image for an older CUDA "
                "(env/images.env)",
                values={"needed": service.cuda, "offered": facts.driver.cuda},
            )


def _capability(service: Service, gpu: Gpu) -> Finding:
    name = f"{gpu.name} (compute capability {gpu.compute[0]}.{gpu.compute[1]})"
    for rule in RULES:
        if rule.engine == service.engine and rule.model in service.model.lower():
            if gpu.compute >= rule.minimum:
                continue
            role = service.role.upper()
            return Finding(
                ID,
                rule.severity,
                service.name,
                f"{service.engine} does not suit GPU {gpu.index}, {name}",
                evidence=rule.source,
                cause=rule.reason,
                fix=f"take {ANYWHERE} for this role: {role}_ENGINE and {role}_MODEL in "
                "env/stack.env",
                values={"compute": list(gpu.compute), "minimum": list(rule.minimum)},
            )
    notes = [
        note.text
        for note in NOTES
        if note.engine == service.engine
        and note.model in service.model.lower()
        and note.lowest <= gpu.compute <= note.highest
    ]
    text = f"{service.engine} suits {name}"
    return Finding(ID, Severity.OK, service.name, "; ".join([text, *notes]))


def _version(text: str) -> Capability:
    """`13.0` -> (13, 0); a minor version runs on every driver of its major version."""
    major = text.split(".")[0]
    return (int(major), 0) if major.isdecimal() else (0, 0)


CHECKS = (
    Check(
        ID, "The engine can run the model on its GPUs", Phase.PREFLIGHT, suits, needs=("driver",)
    ),
)
