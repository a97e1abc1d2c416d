"""Failures without a line of their own: a check, or a rule of the linter, sees their condition."""

from __future__ import annotations

from stackctl.model import Failure, Sure, Where


def _seen(
    by: str, name: str, shows: str, cause: str, fix: str, source: str, sure: Sure = Sure.CERTAIN
) -> Failure:
    return Failure(
        name, "", cause, fix, (Where.CHECK,), sure=sure, source=source, check=by, shows=shows
    )


CONDITIONS: tuple[Failure, ...] = (
    _seen(
        "gpu.assigned",
        "privileged-leak",
        "nvidia-smi inside shows more GPUs than the service was given",
        "the container is privileged, or has NVIDIA_VISIBLE_DEVICES beside its device request",
        "take `privileged` and NVIDIA_VISIBLE_DEVICES out (`stackctl lint` finds them), then "
        "`stackctl up ROLE`",
        "Duix-Avatar #564",
    ),
    _seen(
        "gpu.assigned",
        "index-order",
        "the model is on another card than the number says",
        "CUDA counts the fastest card first, NVML by the bus, and neither promises its order after "
        "a reboot",
        "`stackctl up`, which asks for GPUs by UUID; CUDA_DEVICE_ORDER=PCI_BUS_ID in the "
        "environment where an engine is started by hand",
        "gpustack/gpustack #1633 #6032 #6041",
    ),
    _seen(
        "gpu.double-mask",
        "double-mask",
        "device_ids and CUDA_VISIBLE_DEVICES in one service: no GPU, or an invalid ordinal",
        "inside the container the GPUs count from 0, so the second mask names none",
        "take CUDA_VISIBLE_DEVICES out where `stackctl lint` finds it, then `stackctl up ROLE`",
        "common knowledge of CUDA in containers",
    ),
    _seen(
        "engine.on-gpu",
        "cpu-fallback",
        "offloaded N/M layers with N less than M, or a CPU buffer with weights in it",
        "the engine found no usable GPU, or too little memory on it, and goes on with the CPU",
        "see the other findings of this GPU; then `stackctl restart ROLE`",
        "ollama/ollama: llm/server_test; llama.cpp b11669",
        Sure.LIKELY,
    ),
    _seen(
        "engine.on-gpu",
        "split-ignored",
        "llama.cpp is on GPUs that --split-mode and --tensor-split left out",
        "these flags are not kept by every version; what a container does not have it cannot use",
        "give the role its GPUs by its device request (env/stack.env), not by flags",
        "ggml-org/llama.cpp #13612 #26831 #28506",
    ),
    _seen(
        "service.running",
        "killed-for-memory",
        "exit code 137, or OOMKilled in `docker inspect`",
        "the container's memory limit or the host's memory was exhausted",
        "free -h; sudo dmesg | grep -i oom; a smaller model or a higher limit, then `stackctl up "
        "ROLE`",
        "leptonai/gpud: memory; club-3090 #133",
    ),
    _seen(
        "service.running",
        "restart-loop",
        "RestartCount climbs: Docker starts the engine again and again",
        "the engine ends each time for the same reason, which the first error of its log tells",
        "`stackctl logs ROLE`; mend what it says; `stackctl restart ROLE` sets the count back",
        "spark-vllm-docker #257, club-3090 #535",
    ),
    _seen(
        "service.ready",
        "unhealthy-forever",
        "docker ps says unhealthy for hours, and nobody restarts it",
        "Docker starts a container again when it ends, not when it is unhealthy",
        "`stackctl restart ROLE`",
        "moby #28400",
    ),
    _seen(
        "gpu.room",
        "orphan-memory",
        "GPU memory is held, and no container of the stack runs",
        "a worker outlived its engine or its container (VLLM::Worker)",
        "nvidia-smi; sudo fuser -v /dev/nvidia*; sudo kill PID",
        "vllm-project/vllm-omni #2317",
    ),
    _seen(
        "model.whole",
        "model-leftovers",
        "*.incomplete files, a model file shorter than its header says, a pointer in its place",
        "a download broke off, or fetched a web page or a Git LFS pointer",
        "`stackctl models repair ROLE`",
        "huggingface_hub: file_download.py",
    ),
    _seen(
        "tools.no-parser",
        "tools-as-text",
        "tool calls come as text in the content, and tool_calls is empty",
        "the engine has no parser for the model's tool calls, or that of another model",
        "`stackctl lint` knows the parser; llama.cpp: --jinja in compose/engines/llama-cpp.yaml",
        "vllm-project/vllm #22337",
        Sure.LIKELY,
    ),
)
