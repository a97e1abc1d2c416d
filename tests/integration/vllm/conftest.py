"""The image with vLLM and transformers, built when needed, and one vLLM for all tests."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpusim.rigged.gpt_oss import NAME
from tests.hub import Hub
from tests.integration.images.engine_container import Engine, engine
from tests.integration.vllm.fragment import MODELS, ROOT, arguments, options

#: seconds; the first build downloads 400 MB
BUILD = 1800
#: seconds; three processes import vLLM, one after the other
START = 600


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
def pulled(image: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models' folder into which the rigged gpt-oss was pulled, from a hub on the loopback."""
    snapshot = next((MODELS / "huggingface/hub").glob("models--*gpt-oss-rigged/snapshots/*"))
    models = tmp_path_factory.mktemp("pulled")
    models.chmod(0o755)  # for the engine's user
    with Hub(tmp_path_factory.mktemp("published")) as hub:
        hub.add(NAME, snapshot)
        done = subprocess.run(
            [sys.executable, "-m", "stackctl", "models", "pull", f"hf:{NAME}"],
            env={**os.environ, "HF_ENDPOINT": hub.url, "MODELS_DIR": str(models)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every hash is right" in done.stdout
    return models


@pytest.fixture(scope="session")
def vllm(image: str, pulled: Path) -> Iterator[Engine]:
    """As the role main runs it: two workers, two GPUs, of which a build for CPUs knows nothing."""
    given = options("vllm", 2)
    with engine(image, *arguments("vllm"), gpus=(0, 1), models=pulled, options=given) as container:
        container.wait_for("/health", START)
        yield container
