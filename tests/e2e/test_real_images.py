"""The pinned images themselves, where they are at hand: do they know the flags that we give them?

They are not pulled unless asked for (40 GB in all): STACKCTL_PULL=1 make test.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackctl.settings import read_env

ROOT = Path(__file__).parents[2]
PINS = read_env(ROOT / "env" / "images.env")
#: engine -> what prints its options in the image
HELP = {
    "llama-cpp": "/app/llama-server --help",
    "ollama": "ollama serve --help",
    "sglang": "python3 -m sglang.launch_server --help",
    "tensorrt-llm": "trtllm-serve serve --help",
    "vllm": "vllm serve --help=all",
    "whisper": "/app/build/bin/whisper-server --help",
}

pytestmark = pytest.mark.docker


def docker(*words: str, seconds: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", *words], capture_output=True, text=True, timeout=seconds, check=False
    )


def at_hand(engine: str) -> str:
    image = PINS[engine.upper().replace("-", "_") + "_IMAGE"]
    if docker("image", "inspect", image).returncode == 0:
        return image
    if not os.environ.get("STACKCTL_PULL"):
        pytest.skip(f"{image} is not here; STACKCTL_PULL=1 pulls it")
    pulled = docker("pull", "--quiet", image, seconds=7200)
    if pulled.returncode:
        pytest.skip(f"{image} cannot be pulled: {pulled.stderr.strip()[-200:]}")
    return image


def fragment(engine: str) -> dict[str, Any]:
    text = (ROOT / "compose" / "engines" / f"{engine}.yaml").read_text()
    service: dict[str, Any] = yaml.safe_load(text)["services"]["engine"]
    return service


@pytest.mark.parametrize("engine", HELP)
def test_the_image_knows_our_flags(engine: str) -> None:
    image = at_hand(engine)
    done = docker(
        "run", "--rm", "--network", "none", "--entrypoint", "sh", image, "-c", HELP[engine]
    )
    text = done.stdout + done.stderr
    command = " ".join(fragment(engine)["entrypoint"])
    flags = set(re.findall(r"(?<=\s)--[a-z][\w-]*", command))
    assert {flag for flag in flags if flag not in text} == set()


@pytest.mark.parametrize("engine", HELP)
def test_the_health_check_finds_its_program(engine: str) -> None:
    image = at_hand(engine)
    script = f"{ROOT / 'healthchecks'}:/healthchecks:ro"
    words = ("run", "--rm", "--network", "none", "-v", script, "--entrypoint", "sh", image)
    done = docker(*words, "/healthchecks/engine.sh", "8000", "/health")
    assert done.returncode != 0  # nothing listens
    assert "no curl, wget, python3 or bash" not in done.stdout + done.stderr
