"""SGLang 0.5.23."""

from __future__ import annotations

from stackctl.engines.failures import pointers, pytorch
from stackctl.model import Failure

_OWN: tuple[Failure, ...] = (
    Failure(
        "sglang-no-cache",
        r"Not enough memory\. Please try to increase --mem-fraction-static",
        "the weights leave no room for the KV cache",
        "raise it by *_ARGS in env/stack.env: --mem-fraction-static 0.9; or use more GPUs",
        source="SGLang 0.5.23: srt/model_executor/model_runner.py",
    ),
    Failure(
        "sglang-graphs",
        r"Capture cuda graph failed",
        "no memory was left for the CUDA graphs",
        "lower it by *_ARGS in env/stack.env: --mem-fraction-static 0.8",
        source="SGLang 0.5.23: model_runner_components/cuda_graph_setup.py",
    ),
    Failure(
        "sglang-unbalanced",
        r"RuntimeError: The memory capacity is unbalanced",
        "one GPU of the service has much less free memory than the others",
        "see who holds it with `stackctl status`, and stop it",
        source="SGLang 0.5.23: srt/model_executor/model_runner.py",
    ),
    Failure(
        "sglang-sliding-cache",
        r"SWA pool \(\d+ tokens\) cannot hold even one request",
        "the KV cache of the sliding layers came out too small",
        "raise --swa-full-tokens-ratio or --mem-fraction-static by *_ARGS in env/stack.env",
        source="SGLang 0.5.23: kv_pool_runtime.py",
    ),
    Failure(
        "sglang-context-beyond-model",
        r"ValueError: .*context_length \(\d+\) is greater than the derived context_length",
        "the promised context window is longer than the model's",
        "lower the role's context in env/stack.env",
        source="SGLang 0.5.23: srt/configs/model_config.py",
    ),
    Failure(
        "sglang-expert-parallel",
        r"Expert parallel is not supported when using triton kernels",
        "the experts' kernels that SGLang takes on this GPU cannot be spread by expert parallelism",
        "take --ep-size out of *_ARGS in env/stack.env",
        source="SGLang 0.5.23",
    ),
)
FAILURES: tuple[Failure, ...] = (*_OWN, *pytorch.FAILURES, *pointers.SGLANG)
