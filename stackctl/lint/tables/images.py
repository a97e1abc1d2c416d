"""Images: the programs they lack, the version to pin, and a health check that works inside."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    """`tag` is the version that this project tests with. `health` is a command inside."""

    pattern: re.Pattern[str]
    tag: str = ""
    lacks: frozenset[str] = frozenset()
    source: str = ""  # of `lacks`
    health: str = ""
    checks_itself: bool = False  # its Dockerfile has a HEALTHCHECK


_OLLAMA = "https://github.com/ollama/ollama/issues/9781"
_CURL = "curl -fsS http://127.0.0.1:{port}/health"
_PYTHON = (
    "python3 -c 'import urllib.request as u; "
    'u.urlopen("http://127.0.0.1:{port}{path}", timeout=8)\''
)

IMAGES: tuple[Image, ...] = (
    Image(
        re.compile(r"(^|/)ollama/ollama$"),
        "0.32.15",
        frozenset({"curl", "wget", "python", "python3", "nc"}),
        _OLLAMA,
        "ollama list",
    ),
    Image(
        re.compile(r"vllm/vllm-openai$"),
        "v0.32.0",
        health=_PYTHON.replace("{path}", "/health"),
    ),
    Image(re.compile(r"lmsysorg/sglang$"), "v0.5.23", health=_PYTHON.replace("{path}", "/health")),
    Image(
        re.compile(r"nvidia/tensorrt-llm/release$"),
        "1.2.1",
        health=_PYTHON.replace("{path}", "/health"),
    ),
    Image(
        re.compile(r"ggml-org/llama\.cpp$"),
        "server-cuda-b11669",
        frozenset({"wget"}),
        "https://github.com/ggml-org/llama.cpp/blob/master/.devops/cuda.Dockerfile",
        _CURL,
        checks_itself=True,
    ),
    Image(re.compile(r"speaches-ai/speaches$"), health=_CURL),
    Image(
        re.compile(r"yanwk/comfyui-boot$"),
        "cu130-slim-v2",
        health=_PYTHON.replace("{path}", "/system_stats"),
    ),
)

#: tags that point elsewhere tomorrow
MOVING = re.compile(
    r"^(latest([-.].+)?|main|master|nightly|dev|edge|stable|(main|server|light|full)"
    r"(-(cuda|vulkan|rocm|musa|intel)\d*)?)$"
)

#: in front of the engines, with keys and TLS: https://docs.docker.com/engine/network/packet-filtering-firewalls/
GATEWAYS = re.compile(
    r"(^|/)(haproxy|nginx|caddy|traefik|envoy|litellm|kong|apisix|openresty|nginx-proxy-manager)\b"
)

#: the port that an engine's image listens on when it is told no other
PORTS = {
    "ollama": 11434,
    "vllm": 8000,
    "sglang": 30000,
    "tensorrt-llm": 8000,
    "llama-cpp": 8080,
    "whisper": 8080,
    "speaches": 8000,
    "transformers": 8000,
    "comfyui": 8188,
}


def split_tag(image: str) -> tuple[str, str, bool]:
    """`registry:5000/a/b:tag@sha256:…` -> name, tag, whether a digest pins it."""
    name, _, digest = image.partition("@")
    head, _, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return (f"{head}/{last}" if head else last), tag, bool(digest)


def lookup(image: str) -> Image | None:
    """What is known of an image."""
    name, _, _ = split_tag(image)
    return next((known for known in IMAGES if known.pattern.search(name)), None)
