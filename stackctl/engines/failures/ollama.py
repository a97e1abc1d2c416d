"""Ollama 0.33, and the llama-server in it."""

from __future__ import annotations

from stackctl.engines.failures import ggml
from stackctl.model import Failure, Sure

_OWN: tuple[Failure, ...] = (
    Failure(
        "ollama-no-gpu",
        r"no compatible GPUs were discovered|library=cpu compute=",
        "Ollama sees no GPU inside its container and runs on the CPU",
        "recreate the container: `stackctl up`; look at `stackctl verify` for the reason",
        sure=Sure.LIKELY,
        source="ollama/ollama: docs/troubleshooting",
    ),
    Failure(
        "ollama-driver-too-old",
        r"NVIDIA driver too old",
        "the host's driver is older than the CUDA in Ollama, which goes on without the GPU",
        "install a newer driver, or take an older image (env/images.env)",
        source="Ollama 0.33: discover",
    ),
    Failure(
        "ollama-not-built-for",
        r"compute capability not in compiled architectures",
        "this Ollama was not built for the GPU, and goes on without it",
        "take an older image (env/images.env)",
        source="Ollama 0.33: discover",
    ),
    Failure(
        "ollama-incomplete",
        r"llama-server binary not found",
        "the image is incomplete",
        "pull the image again: `docker pull` with the tag of env/images.env",
        source="Ollama 0.33: llm",
    ),
    Failure(
        "ollama-oom",
        r"runtime OOM detected",
        "the GPU ran out of memory while it computed",
        "stop what else holds it (`stackctl status`), or give a shorter context window",
        source="Ollama 0.33: llm",
    ),
    Failure(
        "ollama-damaged",
        r"invalid file magic|offset\+size \(\d+\) exceeds file size",
        "a file of the model is damaged; Ollama does not check what it has once downloaded",
        "`stackctl models repair ROLE`; or delete the blob that the line before names, and pull "
        "again",
        source="Ollama 0.33: fs/ggml",
    ),
    Failure(
        "ollama-digest",
        r"digest mismatch, file must be downloaded again",
        "a download came out damaged, and Ollama has deleted it",
        "pull the model again: `stackctl models pull ROLE`",
        source="ollama/ollama: server/images.go",
    ),
    Failure(
        "ollama-no-such-model",
        r"pull model manifest: file does not exist",
        "there is no model of that name and tag in Ollama's library",
        "correct the model's name in env/stack.env",
        source="Ollama 0.33: server",
    ),
    Failure(
        "ollama-broke-off",
        r"max retries exceeded",
        "the download of the model broke off again and again",
        "look at the network and pull again: it goes on where it stopped",
        source="Ollama 0.33: server/download.go",
    ),
    Failure(
        "ollama-not-pulled",
        r"model \S+ not found, try pulling it first",
        "the model, or one of its files, is not in the store",
        "pull the model again: `stackctl models pull ROLE`",
        source="Ollama 0.33: server",
    ),
)
FAILURES: tuple[Failure, ...] = (*_OWN, *ggml.LLAMA)
