"""The nodes the stand-in knows by name: enough that a usual workflow is judged as ComfyUI would."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Checkpoints = Callable[[], list[str]]
Json = dict[str, Any]

SIZE = {"default": 512, "min": 1, "max": 16384, "step": 1}
COLOUR = {"default": 0, "min": 0, "max": 0xFFFFFF, "step": 1, "display": "color"}
BATCH = {"default": 1, "min": 1, "max": 4096}
SAMPLERS = ["euler", "dpmpp_2m"]
SCHEDULERS = ["normal", "karras"]


@dataclass(frozen=True)
class Node:
    """Inputs as (type, options); a list as type is a choice. No `outputs` makes it an end node."""

    display_name: str
    category: str
    inputs: dict[str, tuple[Any, ...]]
    outputs: tuple[str, ...] = ()
    description: str = field(default="Known to the stand-in by its shape only.")


def all_nodes(checkpoints: list[str]) -> dict[str, Node]:
    return {
        "EmptyImage": Node(
            "EmptyImage",
            "image",
            {
                "width": ("INT", SIZE),
                "height": ("INT", SIZE),
                "batch_size": ("INT", BATCH),
                "color": ("INT", COLOUR),
            },
            ("IMAGE",),
            "",
        ),
        "SaveImage": Node(
            "Save Image",
            "image",
            {"images": ("IMAGE", {}), "filename_prefix": ("STRING", {"default": "ComfyUI"})},
            description="",
        ),
        "CheckpointLoaderSimple": Node(
            "Load Checkpoint", "loaders", {"ckpt_name": (checkpoints, {})}, ("MODEL", "CLIP", "VAE")
        ),
        "CLIPTextEncode": Node(
            "CLIP Text Encode (Prompt)",
            "conditioning",
            {"text": ("STRING", {"multiline": True}), "clip": ("CLIP", {})},
            ("CONDITIONING",),
        ),
        "EmptyLatentImage": Node(
            "Empty Latent Image",
            "latent",
            {"width": ("INT", SIZE), "height": ("INT", SIZE), "batch_size": ("INT", BATCH)},
            ("LATENT",),
        ),
        "KSampler": Node(
            "KSampler",
            "sampling",
            {
                "model": ("MODEL", {}),
                "seed": ("INT", {"default": 0, "min": 0, "max": 0xFFFFFFFFFFFFFFFF}),
                "steps": ("INT", {"default": 20, "min": 1, "max": 10000}),
                "cfg": ("FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0}),
                "sampler_name": (SAMPLERS, {}),
                "scheduler": (SCHEDULERS, {}),
                "positive": ("CONDITIONING", {}),
                "negative": ("CONDITIONING", {}),
                "latent_image": ("LATENT", {}),
                "denoise": ("FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0}),
            },
            ("LATENT",),
        ),
        "VAEDecode": Node(
            "VAE Decode", "latent", {"samples": ("LATENT", {}), "vae": ("VAE", {})}, ("IMAGE",)
        ),
    }


def describe(name: str, node: Node) -> Json:
    """An entry of /object_info."""
    return {
        "input": {"required": {key: list(spec) for key, spec in node.inputs.items()}},
        "input_order": {"required": list(node.inputs)},
        "output": list(node.outputs),
        "output_is_list": [False] * len(node.outputs),
        "output_name": list(node.outputs),
        "name": name,
        "display_name": node.display_name,
        "description": node.description,
        "python_module": "nodes",
        "category": node.category,
        "output_node": not node.outputs,
    }
