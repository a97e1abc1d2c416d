"""ComfyUI 0.3.64."""

from __future__ import annotations

from stackctl.engines.failures import ggml, pytorch
from stackctl.model import Failure

_OWN: tuple[Failure, ...] = (
    Failure(
        "comfyui-torchvision",
        r"operator torchvision::nms does not exist",
        "torch and torchvision come from different builds",
        "take an image where both come from one build (env/images.env)",
        source="torchvision",
    ),
    Failure(
        "comfyui-no-model",
        r"value_not_in_list|: '[^']*' not in \[",
        "a prompt names a model that ComfyUI does not have",
        "put the file into its folder below MODELS_DIR/comfyui (checkpoints, vae, loras …)",
        source="ComfyUI 0.3.64: execution.py",
    ),
    Failure(
        "comfyui-no-node",
        r"Cannot execute because node \S+ does not exist",
        "a prompt uses a node that is not installed",
        "install the custom node, or take it out of the prompt",
        source="ComfyUI 0.3.64: execution.py",
    ),
)
FAILURES: tuple[Failure, ...] = (*_OWN, ggml.NO_GGUF, *pytorch.FAILURES)
