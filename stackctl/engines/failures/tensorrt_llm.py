"""TensorRT-LLM 1.0 to 1.2 (trtllm-serve is a click program)."""

from __future__ import annotations

from stackctl.engines.failures import pytorch
from stackctl.model import Failure

FAILURES: tuple[Failure, ...] = (
    Failure(
        r"No GPU devices found on the node",
        "TensorRT-LLM sees no GPU inside its container",
        "recreate the container: `stackctl up`; look at `stackctl verify` for the reason",
    ),
    Failure(
        r"Failed to bind socket to",
        "the port inside the container is taken",
        "remove the other program from the container's command",
    ),
    Failure(
        r"Unknown architecture for AutoModelForCausalLM",
        "this version of TensorRT-LLM does not know the model",
        "take a newer image (env/images.env), or the engine vllm",
    ),
    Failure(
        r"No such option:? ",
        "this version of trtllm-serve does not know the flag; it writes underscores, not dashes",
        "correct *_ARGS in env/stack.env or compose/engines/tensorrt-llm.yaml",
    ),
    Failure(
        r"Error: Invalid value for ",
        "a flag has a value that this version of trtllm-serve does not take",
        "correct *_ARGS in env/stack.env or compose/engines/tensorrt-llm.yaml",
    ),
    *pytorch.FAILURES,
    # last: they come after their cause
    Failure(
        r"Executor worker (?:returned error|died)",
        "a worker of TensorRT-LLM failed; the cause stands further up in the log",
        "`stackctl logs ROLE`",
    ),
)
