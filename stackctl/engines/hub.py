"""Models of the Hugging Face Hub, as the engines that load them from its cache find them."""

from __future__ import annotations


def source(model: str) -> str:
    return f"hf:{model}"


def model_path(model: str) -> str:
    """Where the cache keeps a model, inside the container: HF_HOME is /models/huggingface."""
    return f"/models/huggingface/hub/models--{model.replace('/', '--')}/snapshots"
