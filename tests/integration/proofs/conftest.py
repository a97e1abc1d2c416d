"""A real llama.cpp in a container of its own, without a GPU: as its role runs it, but for that."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.images.engine_container import Engine, engine
from tests.integration.vllm.fragment import MODELS, arguments, options

MODEL = "gpt-oss-20b"
CONTEXT = 8192


@pytest.fixture(scope="module")
def llama() -> Iterator[Engine]:
    """One thread: two that wait for one another are slow on a machine with other work."""
    role = {"STACK_MODEL": MODEL, "STACK_CONTEXT": str(CONTEXT), "STACK_ARGS": "--threads 1"}
    given = [part for pair in role.items() for part in ("--env", "=".join(pair))]
    command = arguments("llama-cpp")
    with engine(
        "sim-llama-cpp", *command, models=MODELS, options=[*options("llama-cpp", 0), *given]
    ) as container:
        container.wait_for("/health")
        yield container
