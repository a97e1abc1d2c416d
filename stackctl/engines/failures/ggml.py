"""llama.cpp b11669 and whisper.cpp 1.9.5, beside those that stackctl.engines.ggml has."""

from __future__ import annotations

from stackctl.model import Failure

#: of llama-server, and so of Ollama as well
LLAMA: tuple[Failure, ...] = (
    Failure(
        r"no usable GPU found, --gpu-layers option will be ignored",
        "llama.cpp found no GPU that it can use, and runs on the CPU",
        "recreate the container: `stackctl up`; look at `stackctl verify` for the reason; an image "
        "without CUDA in its tag cannot use one at all",
    ),
    # before the GPU's: the same line, and another memory
    Failure(
        r"unable to allocate CPU\S* buffer",
        "the host has not enough free memory",
        "free -h; stop what else holds it, or take a smaller model",
    ),
    Failure(
        r"no kernel image is available for execution on the device",
        "the image was not built for this GPU's compute capability",
        "take an image that was (env/images.env)",
    ),
    Failure(
        r"CUDA error: (?:uncorrectable ECC|unspecified launch failure|an illegal memory access)",
        "a kernel crashed on the GPU: the card's memory, the IOMMU, or a fault of llama.cpp",
        "look at `stackctl verify` for Xid errors and ECC counts",
    ),
)

#: after their causes
LAST: tuple[Failure, ...] = (
    Failure(
        r"exiting due to HTTP server error",
        "llama-server could not listen on its port",
        "remove the other program from the container's command",
    ),
    Failure(
        r"exiting due to model loading error",
        "the model could not be loaded; the cause stands further up in the log",
        "`stackctl logs ROLE`",
    ),
)

WHISPER: tuple[Failure, ...] = (
    Failure(
        r"whisper_backend_init_gpu: no GPU found",
        "whisper.cpp found no GPU that it can use, and runs on the CPU",
        "recreate the container: `stackctl up`; look at `stackctl verify` for the reason",
    ),
    Failure(
        r"failed to open '([^']*)'",
        "the model file is not there",
        "put the model file at that path, or correct AUDIO_MODEL in env/stack.env",
    ),
    Failure(
        r"invalid model data \(bad magic\)",
        "the file is not a ggml model",
        "download the model file again",
    ),
)
