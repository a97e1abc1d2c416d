"""transformers 5.19 (`transformers serve` is a click program)."""

from __future__ import annotations

from stackctl.engines.failures import pytorch
from stackctl.model import Failure

_OWN: tuple[Failure, ...] = (
    Failure(
        "transformers-no-accelerate",
        r"requires (?:`accelerate`|Accelerate)|No module named 'accelerate'",
        "the image lacks the package accelerate",
        "build the image of compose/images/transformers: docs/engines.md",
        source="transformers 5.19",
    ),
    Failure(
        "transformers-no-server",
        r"Missing dependencies for serving",
        "the image has transformers without its server",
        "build the image of compose/images/transformers: docs/engines.md",
        source="transformers 5.19: cli/serve.py",
    ),
    # it goes on with bfloat16 weights, four times the memory: the cause of what comes next
    Failure(
        "transformers-mxfp4",
        r"MXFP4 quantization (?:is only supported on|requires)"
        r"|kernels package is required for MXFP4",
        "the MXFP4 weights of gpt-oss cannot be used as they are, and are unpacked to bfloat16",
        "build the image of compose/images/transformers, which has kernels and Triton; on a GPU "
        "below compute capability 7.5 take the engine ollama or llama-cpp",
        source="transformers 5.19: quantizers/quantizer_mxfp4.py",
    ),
    Failure(
        "transformers-flag",
        r"No such option:? ",
        "this version of transformers serve does not know the flag",
        "correct *_ARGS in env/stack.env or compose/engines/transformers.yaml",
        source="click",
    ),
)
FAILURES: tuple[Failure, ...] = (*_OWN, *pytorch.FAILURES)
