"""The proofs of service against a real vLLM, whose gpt-oss is rigged and speaks harmony."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gpusim.rigged.gpt_oss import NAME
from stackctl.cli import run
from tests.integration.images.engine_container import Engine, engine
from tests.integration.vllm.conftest import START
from tests.integration.vllm.fragment import arguments, options

pytestmark = pytest.mark.docker
#: what the model is rigged to get right
RIGGED = ("single", "stream", "required", "named", "responses")
PARSER = "--enable-auto-tool-choice --tool-call-parser openai "
PROMISED = 4096


@pytest.fixture(scope="module")
def faulty(image: str, pulled: Path) -> Iterator[Engine]:
    """Two faults in one server, as it takes long to start: no parser of calls, half the window."""
    command = [text.replace(PARSER, "") for text in arguments("vllm")]
    assert command != arguments("vllm")
    given = [*options("vllm", 1), "--env", f"STACK_CONTEXT={PROMISED // 2}"]
    with engine(image, *command, models=pulled, options=given) as container:
        container.wait_for("/health", START)
        yield container


def proof(
    what: str, vllm: Engine, capsys: pytest.CaptureFixture[str], *more: str
) -> Mapping[str, Any]:
    run(["prove", what, "--url", vllm.url, "--model", NAME, "--json", *more])
    (document,) = json.loads(capsys.readouterr().out)[what]
    assert isinstance(document, dict)
    return document


def cases(*names: str) -> list[str]:
    return [word for name in names for word in ("--case", name)]


def test_tools(vllm: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    document = proof("tools", vllm, capsys, "--times", "2", *cases(*RIGGED))
    assert document["ok"], document["findings"]
    assert [case["passed"] for case in document["cases"]] == [2] * len(RIGGED)


def test_without_the_flags_by_which_calls_are_parsed(
    faulty: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    """It answers with thoughts, and drops the call that follows them."""
    chats = [name for name in RIGGED if name != "responses"]
    document = proof("tools", faulty, capsys, "--times", "2", *cases(*chats))
    assert not document["ok"]
    assert {case["rate"] for case in document["cases"]} == {0.0}
    (finding,) = document["findings"]
    assert (finding["id"], finding["count"]) == ("empty-answer", 2 * len(chats))
    assert "the parser of calls is missing" in finding["cause"]
    assert "--enable-auto-tool-choice --tool-call-parser" in finding["fix"]


def test_its_own_tokenizer_counts(vllm: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--context", str(PROMISED), "--steps", "10,50")
    document = proof("context", vllm, capsys, *more)
    for step in document["steps"]:
        assert step["exact"]
        assert step["trouble"] is None
        assert step["counted"] == step["sent"]
    assert [f["values"]["failure"] for f in document["findings"]] == ["needles-lost"]


def test_half_of_the_promised_window(faulty: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    more = ("--context", str(PROMISED), "--steps", "25,100")
    document = proof("context", faulty, capsys, *more)
    first = document["findings"][0]["values"]
    assert (first["failure"], first["limit"]) == ("window-smaller", PROMISED // 2)
    assert f"usable {PROMISED // 2}" in document["advice"][-1]
