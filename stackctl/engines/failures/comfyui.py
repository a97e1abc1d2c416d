"""ComfyUI 0.3.64."""

from __future__ import annotations

from stackctl.engines.failures import pytorch
from stackctl.model import Failure

FAILURES: tuple[Failure, ...] = (
    Failure(
        r"operator torchvision::nms does not exist",
        "torch and torchvision come from different builds",
        "take an image where both come from one build (env/images.env)",
    ),
    Failure(
        r"value_not_in_list|: '[^']*' not in \[",
        "a prompt names a model that ComfyUI does not have",
        "put the file into its folder below MODELS_DIR/comfyui (checkpoints, vae, loras …)",
    ),
    Failure(
        r"Cannot execute because node \S+ does not exist",
        "a prompt uses a node that is not installed",
        "install the custom node, or take it out of the prompt",
    ),
    *pytorch.FAILURES,
)
