"""Ollama 0.33, beside those of the llama-server in it."""

from __future__ import annotations

from stackctl.model import Failure

FAILURES: tuple[Failure, ...] = (
    Failure(
        r"no compatible GPUs were discovered|library=cpu compute=",
        "Ollama sees no GPU inside its container and runs on the CPU",
        "recreate the container: `stackctl up`; look at `stackctl verify` for the reason",
    ),
    Failure(
        r"NVIDIA driver too old",
        "the host's driver is older than the CUDA in Ollama, which goes on without the GPU",
        "install a newer driver, or take an older image (env/images.env)",
    ),
    Failure(
        r"compute capability not in compiled architectures",
        "this Ollama was not built for the GPU, and goes on without it",
        "take an older image (env/images.env)",
    ),
    Failure(
        r"llama-server binary not found",
        "the image is incomplete",
        "pull the image again: `docker pull` with the tag of env/images.env",
    ),
    Failure(
        r"runtime OOM detected",
        "the GPU ran out of memory while it computed",
        "stop what else holds it (`stackctl status`), or give a shorter context window",
    ),
    Failure(
        r"invalid file magic|offset\+size \(\d+\) exceeds file size",
        "a file of the model is damaged; Ollama does not check what it has once downloaded",
        "delete the blob that the line before names (its name is its SHA-256), then pull again",
    ),
    Failure(
        r"digest mismatch, file must be downloaded again",
        "a download came out damaged, and Ollama has deleted it",
        "pull the model again",
    ),
    Failure(
        r"pull model manifest: file does not exist",
        "there is no model of that name and tag in Ollama's library",
        "correct the model's name in env/stack.env",
    ),
    Failure(
        r"max retries exceeded",
        "the download of the model broke off again and again",
        "look at the network and pull again: it goes on where it stopped",
    ),
    Failure(
        r"model \S+ not found, try pulling it first",
        "the model, or one of its files, is not in the store",
        "pull the model again",
    ),
)
