"""Models of the Hugging Face Hub, as the engines that load them from its cache find them."""

from __future__ import annotations

#: gpt-oss's repositories hold the weights three times; the engines read only one of the copies
FETCH = (
    "docker run --rm -v {models_dir}:/models -e HF_HOME=/models/huggingface "
    "--entrypoint hf {image} download {model} --exclude 'original/*' --exclude 'metal/*'"
)


def model_path(model: str) -> str:
    """Where the cache keeps a model, inside the container: HF_HOME is /models/huggingface."""
    return f"/models/huggingface/hub/models--{model.replace('/', '--')}/snapshots"
