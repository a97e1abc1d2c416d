"""vLLM 0.10 to 0.33."""

from __future__ import annotations

from stackctl.engines.failures import pointers, pytorch
from stackctl.model import Failure

_OWN: tuple[Failure, ...] = (
    Failure(
        "vllm-memory-taken",
        r"Free memory on device \S+ \(.*\) on startup is less than desired",
        "something else already holds memory of this GPU: vLLM wants a share of the whole card",
        "see who with `stackctl status`, stop it, or lower --gpu-memory-utilization",
        source="vLLM 0.32: v1/worker/gpu_worker.py",
    ),
    Failure(
        "vllm-cpu-build",
        r"Available memory on node \d+ \(.*\) on startup is less than desired CPU memory",
        "this is vLLM's CPU build, and the host has too little free memory",
        "take the image of env/images.env, which runs on the GPU",
        source="vLLM 0.32: v1/worker/cpu_worker.py",
    ),
    Failure(
        "vllm-context-too-long",
        r"To serve at least one request with the models?'s max seq len"
        r"|estimated maximum model length is \d+"
        r"|is larger than the maximum number of tokens that can be stored in KV cache",
        "the KV cache for the promised context window does not fit on the GPU",
        "lower the role's context in env/stack.env to the number of that line, or halve the cache: "
        "--kv-cache-dtype fp8 (docs/engines.md)",
        source="vllm-project/vllm #2418 #27508",
    ),
    Failure(
        "vllm-no-cache",
        r"No available memory for the cache blocks",
        "the weights leave no room for the KV cache",
        "raise --gpu-memory-utilization, or use more GPUs",
        source="vllm-project/vllm #2248",
    ),
    Failure(
        "vllm-no-bfloat16",
        r"Bfloat16 is only supported on GPUs with compute capability",
        "the GPU is too old for the model's data type",
        "take the engine ollama or llama-cpp for this role",
        source="vllm-project/vllm #32838",
    ),
    Failure(
        "vllm-tools-no-parser",
        r"--enable-auto-tool-choice requires --tool-call-parser",
        "automatic tool choice lacks its parser",
        "add --tool-call-parser (gpt-oss: openai); `stackctl lint` knows the one of your model",
        source="vLLM 0.32: entrypoints/openai/cli_args.py",
    ),
    Failure(
        "vllm-tool-parser",
        r"invalid tool call parser",
        "the tool call parser does not exist in this version of vLLM",
        "correct --tool-call-parser in compose/engines/vllm.yaml",
        source="vLLM 0.32",
    ),
    Failure(
        "vllm-reasoning-parser",
        r"invalid reasoning parser",
        "the reasoning parser does not exist in this version of vLLM",
        "correct --reasoning-parser in compose/engines/vllm.yaml",
        source="vLLM 0.32",
    ),
    Failure(
        "vllm-variable",
        r"ValueError: Unknown vLLM environment variable",
        "a VLLM_ variable was removed or is misspelt",
        "`stackctl lint` knows what replaces it",
        source="vLLM 0.32: envs.py",
    ),
    Failure(
        "vllm-attention-backend",
        r"Selected backend \S+ is not valid for this configuration",
        "this GPU or model cannot use the attention backend that was asked for",
        "take --attention-backend out: vLLM then chooses one that works",
        source="vLLM 0.32: platforms/cuda.py",
    ),
    Failure(
        "vllm-uuid-mask",
        r"invalid literal for int\(\) with base 10: '(?:GPU|MIG)-",
        "this version of vLLM cannot read UUIDs in CUDA_VISIBLE_DEVICES",
        "take CUDA_VISIBLE_DEVICES out: the container has only its own GPUs anyway; or take vLLM "
        "0.24 or newer (env/images.env)",
        source="club-3090: PODS.md, UPSTREAM.md",
    ),
    Failure(
        "vllm-architecture",
        r"Model architectures .* are not supported for now",
        "this version of vLLM does not know the model",
        "take a newer image (env/images.env)",
        source="vLLM 0.32: model_executor/models/registry.py",
    ),
    Failure(
        "vllm-context-beyond-model",
        r"User-specified max_model_len \(\d+\) is greater than the derived max_model_len",
        "the promised context window is longer than the model's",
        "lower the role's context in env/stack.env",
        source="vLLM 0.32: config/model.py",
    ),
)
FAILURES: tuple[Failure, ...] = (*_OWN, *pytorch.FAILURES, *pointers.VLLM)
