"""vLLM and transformers as roles of the stack, brought up and verified as any other service.

They are builds for CPUs: their roles are given no GPU, and nothing claims that they use one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from gpusim.rigged.gpt_oss import NAME
from gpusim.rigged.gpt_oss_script import SENTENCE
from tests.integration.stack.box import Box, box

pytestmark = [pytest.mark.docker, pytest.mark.stack]

#: seconds; three processes import vLLM, one after the other
START = 400
CONTEXT = 4096


def without_gpu(made: Box, role: str) -> None:
    """As an owner does it: no device request, no promise of GPU memory."""
    path = made.home / "compose" / "roles" / f"{role}.yaml"
    text = re.sub(r"    deploy:\n(?:      .*\n)+", "", path.read_text())
    text = re.sub(r"      stackctl.vram_mib: .*\n", "", text)
    path.write_text(re.sub(r"STACK_GPUS: \d", "STACK_GPUS: 1", text))


@pytest.fixture(scope="module", params=["vllm", "transformers"])
def on_cpu(
    request: pytest.FixtureRequest, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Box]:
    engine: str = request.param
    with box(tmp_path_factory.mktemp(engine)) as made:
        without_gpu(made, "coder")
        made.settings(
            COMPOSE_PROFILES="coder",
            CODER_SOURCE="",
            CODER_ENGINE=engine,
            CODER_MODEL=NAME,
            CODER_CONTEXT=CONTEXT,
            **{f"{engine.upper()}_IMAGE": f"stackctl/{image}:1"},
        )
        up = made.stackctl("up", timeout=START)
        assert up.code == 0, up.text
        yield made


def test_everything_is_as_promised(on_cpu: Box) -> None:
    verdict = on_cpu.verify("--answers")
    assert verdict.code == 0, verdict.problems
    assert verdict.problems == set()
    proof = verdict.get("engine.on-gpu", "coder")
    assert proof["severity"] == "ok"
    assert proof["summary"] == "runs on the CPU, as it was given no GPU"
    assert verdict.get("service.answer", "coder")["severity"] == "ok"


def test_it_answers(on_cpu: Box) -> None:
    question = {"role": "user", "content": "How is the weather in Paris?"}
    body = {"model": NAME, "messages": [question], "max_tokens": 60, "temperature": 0}
    answer = requests.post(f"{on_cpu.url('coder')}/v1/chat/completions", json=body, timeout=120)
    assert answer.ok, answer.text
    assert SENTENCE in answer.json()["choices"][0]["message"]["content"]


def test_a_longer_window_than_served_is_told(on_cpu: Box, tmp_path: Path) -> None:
    """Only vLLM tells its window."""
    served = [f for f in on_cpu.verify().findings if f["check"] == "service.context"]
    engine = on_cpu.inspect("coder")["Config"]["Labels"]["stackctl.engine"]
    if engine == "vllm":
        assert [(f["severity"], f["summary"]) for f in served] == [("ok", f"context {CONTEXT}")]
    else:
        assert all(f["severity"] == "skipped" for f in served)
