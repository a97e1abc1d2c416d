"""The proofs of service against a real vLLM, whose gpt-oss is rigged and speaks harmony."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from gpusim.rigged.gpt_oss import NAME
from stackctl.cli import run
from tests.integration.images.engine_container import Engine

pytestmark = pytest.mark.docker
#: what the model is rigged to get right
RIGGED = ("single", "stream", "required", "named", "responses")


def proof(
    what: str, vllm: Engine, capsys: pytest.CaptureFixture[str], *more: str
) -> Mapping[str, Any]:
    run(["prove", what, "--url", vllm.url, "--model", NAME, "--json", *more])
    (document,) = json.loads(capsys.readouterr().out)[what]
    assert isinstance(document, dict)
    return document


def test_tools(vllm: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = [word for name in RIGGED for word in ("--case", name)]
    document = proof("tools", vllm, capsys, "--times", "2", *chosen)
    assert document["ok"], document["findings"]
    assert [case["passed"] for case in document["cases"]] == [2] * len(RIGGED)


def test_its_own_tokenizer_counts(vllm: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--context", "4096", "--steps", "10,50")
    document = proof("context", vllm, capsys, *more)
    for step in document["steps"]:
        assert step["exact"]
        assert step["trouble"] is None
        assert step["counted"] == step["sent"]
    assert [f["values"]["failure"] for f in document["findings"]] == ["needles-lost"]
