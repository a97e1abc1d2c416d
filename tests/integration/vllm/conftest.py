"""The image with vLLM and transformers, built when needed, and one vLLM for all tests."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.integration.images.engine_container import Engine, engine
from tests.integration.vllm.fragment import MODELS, ROOT, arguments, options

#: seconds; the first build downloads 400 MB
BUILD = 1800
#: seconds; three processes import vLLM, one after the other
START = 300


@pytest.fixture(scope="session")
def image() -> str:
    done = subprocess.run(
        [ROOT / "setup/pytorch_images.sh"],
        capture_output=True,
        text=True,
        check=False,
        timeout=BUILD,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return "cpu-vllm"


@pytest.fixture(scope="session")
def vllm(image: str) -> Iterator[Engine]:
    """As the role main runs it: two workers, two GPUs, of which a build for CPUs knows nothing."""
    given = options("vllm", 2)
    with engine(image, *arguments("vllm"), gpus=(0, 1), models=MODELS, options=given) as container:
        container.wait_for("/health", START)
        yield container
