"""SGLang 0.5.23."""

from __future__ import annotations

from stackctl.engines.failures import pytorch
from stackctl.model import Failure

FAILURES: tuple[Failure, ...] = (
    Failure(
        r"Not enough memory\. Please try to increase --mem-fraction-static",
        "the weights leave no room for the KV cache",
        "raise it by *_ARGS in env/stack.env: --mem-fraction-static 0.9; or use more GPUs",
    ),
    Failure(
        r"Capture cuda graph failed",
        "no memory was left for the CUDA graphs",
        "lower it by *_ARGS in env/stack.env: --mem-fraction-static 0.8",
    ),
    Failure(
        r"RuntimeError: The memory capacity is unbalanced",
        "one GPU of the service has much less free memory than the others",
        "see who holds it with `stackctl status`, and stop it",
    ),
    Failure(
        r"SWA pool \(\d+ tokens\) cannot hold even one request",
        "the KV cache of the sliding layers came out too small",
        "raise --swa-full-tokens-ratio or --mem-fraction-static by *_ARGS in env/stack.env",
    ),
    Failure(
        r"ValueError: .*context_length \(\d+\) is greater than the derived context_length",
        "the promised context window is longer than the model's",
        "lower the role's context in env/stack.env",
    ),
    Failure(
        r"Expert parallel is not supported when using triton kernels",
        "the experts' kernels that SGLang takes on this GPU cannot be spread by expert parallelism",
        "take --ep-size out of *_ARGS in env/stack.env",
    ),
    *pytorch.FAILURES,
    # last: the main process says it after the failed one has told its cause
    Failure(
        r"Received sigquit from a child process",
        "a worker of SGLang failed; the cause stands further up in the log",
        "`stackctl logs ROLE`",
    ),
)
