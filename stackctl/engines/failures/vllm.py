"""vLLM 0.10 to 0.33."""

from __future__ import annotations

from stackctl.engines.failures import pytorch
from stackctl.model import Failure

FAILURES: tuple[Failure, ...] = (
    Failure(
        r"Free memory on device \S+ \(.*\) on startup is less than desired",
        "something else already holds memory of this GPU",
        "see who with `stackctl status`, stop it, or lower --gpu-memory-utilization",
    ),
    Failure(
        r"Available memory on node \d+ \(.*\) on startup is less than desired CPU memory",
        "this is vLLM's CPU build, and the host has too little free memory",
        "take the image of env/images.env, which runs on the GPU",
    ),
    Failure(
        r"To serve at least one request with the models?'s max seq len"
        r"|estimated maximum model length is \d+"
        r"|is larger than the maximum number of tokens that can be stored in KV cache",
        "the KV cache for the promised context window does not fit on the GPU",
        "lower the role's context in env/stack.env to the number of that line, or halve the cache: "
        "--kv-cache-dtype fp8 (docs/engines.md)",
    ),
    Failure(
        r"No available memory for the cache blocks",
        "the weights leave no room for the KV cache",
        "raise --gpu-memory-utilization, or use more GPUs",
    ),
    Failure(
        r"Bfloat16 is only supported on GPUs with compute capability",
        "the GPU is too old for the model's data type",
        "take the engine ollama or llama-cpp for this role",
    ),
    Failure(
        r"--enable-auto-tool-choice requires --tool-call-parser",
        "automatic tool choice lacks its parser",
        "add --tool-call-parser (gpt-oss: openai); `stackctl lint` knows the one of your model",
    ),
    Failure(
        r"invalid tool call parser",
        "the tool call parser does not exist in this version of vLLM",
        "correct --tool-call-parser in compose/engines/vllm.yaml",
    ),
    Failure(
        r"invalid reasoning parser",
        "the reasoning parser does not exist in this version of vLLM",
        "correct --reasoning-parser in compose/engines/vllm.yaml",
    ),
    Failure(
        r"ValueError: Unknown vLLM environment variable",
        "a VLLM_ variable was removed or is misspelt",
        "`stackctl lint` knows what replaces it",
    ),
    Failure(
        r"Selected backend \S+ is not valid for this configuration",
        "this GPU or model cannot use the attention backend that was asked for",
        "take --attention-backend out: vLLM then chooses one that works",
    ),
    Failure(
        r"invalid literal for int\(\) with base 10: '(?:GPU|MIG)-",
        "this version of vLLM cannot read UUIDs in CUDA_VISIBLE_DEVICES",
        "take CUDA_VISIBLE_DEVICES out: the container has only its own GPUs anyway",
    ),
    Failure(
        r"Model architectures .* are not supported for now|failed to be inspected",
        "this version of vLLM does not know the model",
        "take a newer image (env/images.env)",
    ),
    Failure(
        r"User-specified max_model_len \(\d+\) is greater than the derived max_model_len",
        "the promised context window is longer than the model's",
        "lower the role's context in env/stack.env",
    ),
    *pytorch.FAILURES,
    # last: it comes after its cause, and stands alone only where that was cut off
    Failure(
        r"Engine core initialization failed",
        "vLLM's engine did not start; the cause stands further up in the log",
        "`stackctl logs ROLE`, or a longer one by raising max-size in compose/engines/base.yaml",
    ),
)
