"""TensorRT-LLM 1.0 to 1.2 (trtllm-serve is a click program)."""

from __future__ import annotations

from stackctl.engines.failures import pointers, pytorch
from stackctl.model import Failure

_OWN: tuple[Failure, ...] = (
    Failure(
        "tensorrt-llm-no-gpu",
        r"No GPU devices found on the node",
        "TensorRT-LLM sees no GPU inside its container",
        "recreate the container: `stackctl up`; look at `stackctl verify` for the reason",
        source="TensorRT-LLM 1.2",
    ),
    Failure(
        "tensorrt-llm-port",
        r"Failed to bind socket to",
        "the port inside the container is taken",
        "remove the other program from the container's command",
        source="TensorRT-LLM 1.2: commands/serve.py",
    ),
    Failure(
        "tensorrt-llm-architecture",
        r"Unknown architecture for AutoModelForCausalLM",
        "this version of TensorRT-LLM does not know the model",
        "take a newer image (env/images.env), or the engine vllm",
        source="TensorRT-LLM 1.2",
    ),
    Failure(
        "tensorrt-llm-flag",
        r"No such option:? ",
        "this version of trtllm-serve does not know the flag; it writes underscores, not dashes",
        "correct *_ARGS in env/stack.env or compose/engines/tensorrt-llm.yaml",
        source="click",
    ),
    Failure(
        "tensorrt-llm-flag-value",
        r"Error: Invalid value for ",
        "a flag has a value that this version of trtllm-serve does not take",
        "correct *_ARGS in env/stack.env or compose/engines/tensorrt-llm.yaml",
        source="click",
    ),
)
FAILURES: tuple[Failure, ...] = (*_OWN, *pytorch.FAILURES, *pointers.TENSORRT_LLM)
