"""An engine that runs with a damaged model: told, repaired by the range, restarted and proven."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from stackctl.system.sha256 import RANGE
from tests.hub import Hub
from tests.integration.gpu_lock import healthy_gpus
from tests.integration.stack.box import REPOSITORY, Box, box, gpusim

pytestmark = [pytest.mark.docker, pytest.mark.stack]

NAME = "mine.gguf"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Box]:
    gpusim("install")
    with healthy_gpus(), box(tmp_path) as made:
        yield made


def answers(stack: Box) -> bool:
    body = {"messages": [{"role": "user", "content": "Who are you?"}]}
    reply = requests.post(stack.url("coder") + "/v1/chat/completions", json=body, timeout=30)
    return reply.ok and bool(reply.json()["choices"][0]["message"]["content"])


def test_running_engine(stack: Box, tmp_path: Path) -> None:
    original = tmp_path / NAME
    shutil.copy(REPOSITORY / "models/sim/llama-cpp/gpt-oss-20b.gguf", original)
    with original.open("ab") as file:  # three ranges: what follows the tensors is not read
        for _ in range(2 * RANGE >> 20):
            file.write(os.urandom(1 << 20))
    model = stack.home / "models/sim/llama-cpp" / NAME
    with Hub(tmp_path / "hub") as hub:
        hub.add("test/coder", {NAME: original})
        stack.settings(CODER_MODEL="mine", CODER_SOURCE=f"hf:test/coder/{NAME}")
        stack.env["HF_ENDPOINT"] = hub.url
        for words in (("models", "pull", "coder"), ("up", "coder")):
            result = stack.stackctl(*words)
            assert result.code == 0, result.text
        before = stack.inspect("coder")["Id"]
        with model.open("r+b") as file:  # a tensor
            file.seek(5_000_000)
            file.write(b"\x55" * 64)

        told = stack.stackctl("models", "repair", "coder")
        assert told.code == 1, told.text
        assert "coder uses it; it will be restarted: stackctl models repair --yes" in told.out
        assert "1 of 3 ranges, 67.1 MB" in told.out
        assert stack.inspect("coder")["Id"] == before

        hub.forget()
        mended = stack.stackctl("models", "repair", "coder", "--yes")
        assert mended.code == 0, mended.text
        assert sum(line.sent for line in hub.requests if "/resolve/" in line.path) == RANGE
    assert model.read_bytes() == original.read_bytes()
    assert "restarting coder" in mended.out
    assert stack.inspect("coder")["Id"] != before
    assert stack.verify().code == 0
    assert answers(stack)
