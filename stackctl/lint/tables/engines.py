"""The same thing under each engine's own name.

Sources: `vllm serve --help=all` of vLLM 0.32 and 0.33, SGLang 0.5.23 `srt/arg_groups/fields`,
`trtllm-serve --help` of TensorRT-LLM 1.2, `llama-server --help` of llama.cpp b11669,
`envconfig/config.go` of Ollama 0.33, `server.cpp` of whisper.cpp 1.9.5, `transformers serve --help`
of 5.19.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

#: concept -> engine -> the engine's spellings, the one to write first
FLAGS: dict[str, dict[str, tuple[str, ...]]] = {
    "context": {
        "vllm": ("--max-model-len",),
        "sglang": ("--context-length",),
        "tensorrt-llm": ("--max_seq_len",),
        "llama-cpp": ("--ctx-size", "-c"),
    },
    "tensor parallel size": {
        "vllm": ("--tensor-parallel-size", "-tp"),
        "sglang": ("--tp", "--tp-size", "--tensor-parallel-size"),
        "tensorrt-llm": ("--tp_size",),
    },
    "pipeline parallel size": {
        "vllm": ("--pipeline-parallel-size", "-pp"),
        "sglang": ("--pp-size", "--pp", "--pipeline-parallel-size"),
        "tensorrt-llm": ("--pp_size",),
    },
    "data parallel size": {
        "vllm": ("--data-parallel-size", "-dp"),
        "sglang": ("--dp-size", "--dp", "--data-parallel-size"),
    },
    "tool parser": {
        "vllm": ("--tool-call-parser",),
        "sglang": ("--tool-call-parser",),
        "tensorrt-llm": ("--tool_parser",),
    },
    "reasoning parser": {
        "vllm": ("--reasoning-parser",),
        "sglang": ("--reasoning-parser",),
        "tensorrt-llm": ("--reasoning_parser",),
        "llama-cpp": ("--reasoning-format",),
    },
    "automatic tool choice": {"vllm": ("--enable-auto-tool-choice",)},
    "share of the GPU's memory": {
        "vllm": ("--gpu-memory-utilization", "--device-memory-utilization"),
        "sglang": ("--mem-fraction-static",),
        "tensorrt-llm": ("--kv_cache_free_gpu_memory_fraction",),
    },
    "model": {
        "vllm": ("--model",),
        "sglang": ("--model-path", "--model"),
        "tensorrt-llm": ("--model",),
        "llama-cpp": ("--model", "-m"),
        "whisper": ("--model", "-m"),
        "transformers": ("--force-model",),
    },
    "served name": {
        "vllm": ("--served-model-name",),
        "sglang": ("--served-model-name",),
        "tensorrt-llm": ("--served_model_name",),
        "llama-cpp": ("--alias", "-a"),
    },
    "layers on the GPU": {"llama-cpp": ("--n-gpu-layers", "-ngl", "--gpu-layers")},
    "slots": {"llama-cpp": ("--parallel", "-np")},
    "address": {
        "vllm": ("--host",),
        "sglang": ("--host",),
        "tensorrt-llm": ("--host",),
        "llama-cpp": ("--host",),
        "whisper": ("--host",),
        "transformers": ("--host",),
        "comfyui": ("--listen",),
    },
}

#: a flag of another engine is rewritten only where the values mean the same as well
SAME_VALUE = frozenset({"context", "tensor parallel size", "pipeline parallel size", "served name"})

#: flags that take no value, so that a model's name behind one is not taken for its value
BOOLEAN = re.compile(
    r"--?(enable|disable|no|trust|enforce|allow|skip|use|async|jinja|metrics|verbose|cont|flash"
    r"|mlock|embedding|rerank|log-requests|cpu\b|lowvram|highvram|ep\b|aggregate)[\w-]*"
)
#: ... and those that begin like one but do
VALUED = frozenset(
    {
        "--flash-attn",
        "--embedding-model",
        "--disable-access-log-for-endpoints",
        "--cpu-offload-gb",
        "--enable-lora-bias",
        "--log-verbosity",
    }
)


@dataclass(frozen=True, slots=True)
class Launcher:
    """How an engine is started: the words of the command line, as a pattern."""

    engine: str
    pattern: re.Pattern[str]


#: matched against the start of a command, program names without their folder
LAUNCHERS: tuple[Launcher, ...] = tuple(
    Launcher(engine, re.compile(pattern))
    for engine, pattern in (
        ("vllm", r"vllm serve\b"),
        ("vllm", r"python[\d.]* -m vllm\.entrypoints\.\S*api_server\b"),
        ("sglang", r"python[\d.]* -m sglang\.launch_server\b"),
        ("sglang", r"sglang serve\b"),
        ("tensorrt-llm", r"trtllm-serve(?: serve)?(?=\s|$)"),
        ("llama-cpp", r"llama-server\b"),
        ("ollama", r"ollama serve\b"),
        ("transformers", r"transformers serve\b"),
        ("whisper", r"whisper-server\b"),
        ("comfyui", r"python[\d.]* (?:\S*/)?main\.py\b"),
        ("comfyui", r"comfy launch\b"),
    )
)

#: image name (without registry and tag) -> engine, and what its ENTRYPOINT already starts
IMAGES: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), engine, entrypoint)
    for pattern, engine, entrypoint in (
        # https://github.com/vllm-project/vllm/blob/main/docker/Dockerfile
        (r"vllm/vllm-openai(-\w+)?$", "vllm", "vllm serve"),
        (r"(^|/)vllm", "vllm", ""),
        (r"(^|/)sglang$", "sglang", ""),
        (r"tensorrt-llm(/|$)", "tensorrt-llm", ""),
        # https://github.com/ollama/ollama/blob/main/Dockerfile: ENTRYPOINT ["/bin/ollama"]
        (r"(^|/)ollama$", "ollama", "ollama"),
        # https://github.com/ggml-org/llama.cpp/blob/master/.devops/cuda.Dockerfile
        (r"(^|/)(sim-)?llama[.-]cpp$", "llama-cpp", "llama-server"),
        (r"(^|/)(sim-)?whisper(\.cpp)?$", "whisper", ""),
        (r"speaches$", "speaches", ""),
        (r"(^|/|-)comfyui(-|$)", "comfyui", ""),
    )
)

#: TensorRT-LLM writes underscores and takes nothing else; vLLM and SGLang take both or dashes
UNDERSCORES = frozenset({"tensorrt-llm"})
