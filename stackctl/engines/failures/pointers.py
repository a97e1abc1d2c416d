"""Lines that say that something failed, and not what: never the answer, always the reason to look.

The line of the cause stands further up, often of another process.
"""

from __future__ import annotations

from stackctl.model import Depth, Failure, Sure

_UP = "; the cause stands further up in the log"
_LOGS = "`stackctl logs ROLE`, or a longer log by raising max-size in compose/engines/base.yaml"


def _pointer(name: str, pattern: str, cause: str, source: str) -> Failure:
    return Failure(
        name,
        pattern,
        cause + _UP,
        _LOGS,
        sure=Sure.POSSIBLE,
        source=source,
        depth=Depth.POINTER,
    )


VLLM: tuple[Failure, ...] = (
    _pointer(
        "vllm-core-failed",
        r"Engine core initialization failed|EngineCore failed to start"
        r"|EngineCore encountered a(?:n issue| fatal error)|EngineDeadError",
        "vLLM's engine process failed",
        "vLLM 0.32: v1/engine/core.py, v1/engine/exceptions.py",
    ),
    _pointer(
        "vllm-worker-failed",
        r"Worker failed with error|WorkerProc (?:initialization failed|hit an exception)"
        r"|WorkerProc failed to start|Worker proc \S+ died unexpectedly",
        "a worker of vLLM failed",
        "vLLM 0.32: v1/executor/multiproc_executor.py",
    ),
    # the reason is in the traceback of the process that looked into the model's code
    _pointer(
        "vllm-inspection-failed",
        r"Model architectures .* failed to be inspected",
        "vLLM could not load its code for this model",
        "vLLM 0.32: model_executor/models/registry.py",
    ),
)
SGLANG: tuple[Failure, ...] = (
    _pointer(
        "sglang-child-failed",
        r"Received sigquit from a child process|Scheduler hit an exception",
        "a worker of SGLang failed",
        "SGLang 0.5.23: srt/managers/scheduler.py",
    ),
)
TENSORRT_LLM: tuple[Failure, ...] = (
    _pointer(
        "tensorrt-llm-worker-failed",
        r"Executor worker (?:returned error|died)",
        "a worker of TensorRT-LLM failed",
        "TensorRT-LLM 1.2: executor/proxy.py",
    ),
)
LLAMA: tuple[Failure, ...] = (
    _pointer(
        "llama-load-failed",
        r"exiting due to model loading error",
        "the model could not be loaded",
        "llama.cpp b11669: tools/server",
    ),
    _pointer(
        "ollama-runner-failed",
        r"llama runner process has terminated",
        "the llama-server inside Ollama ended",
        "ollama/ollama: llm/server.go",
    ),
)

POINTERS: tuple[Failure, ...] = (*VLLM, *SGLANG, *TENSORRT_LLM, *LLAMA)
