"""Engine x model x GPU, before anything is downloaded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stackctl.checks import run
from stackctl.checks.support import CHECKS, ID, RULES
from stackctl.engines import ENGINES
from stackctl.model import Finding, Phase, Severity, Unavailable
from tests.unit.stackctl.box import CODER, DRIVER, HEALTHY, gpu, uuid


def found(engine: str, model: str, compute: tuple[int, int], **service: Any) -> tuple[Finding, ...]:
    cards = (gpu(3, uuid=uuid(3), name="some card", compute=compute),)
    facts = replace(
        HEALTHY,
        driver=replace(DRIVER, gpus=cards, cuda="12.2", version="535.247.01"),
        planned=(replace(CODER, engine=engine, model=model, **service),),
    )
    return run(CHECKS, facts, Phase.PREFLIGHT)


@pytest.mark.parametrize(
    ("engine", "model", "compute", "severity"),
    [
        ("vllm", "openai/gpt-oss-20b", (7, 5), Severity.ERROR),
        ("vllm", "openai/gpt-oss-20b", (8, 0), Severity.OK),
        ("vllm", "Qwen/Qwen3-8B", (7, 5), Severity.OK),
        ("vllm", "Qwen/Qwen3-8B", (7, 0), Severity.ERROR),
        ("sglang", "openai/gpt-oss-20b", (7, 5), Severity.ERROR),
        ("tensorrt-llm", "openai/gpt-oss-120b", (8, 9), Severity.ERROR),
        ("tensorrt-llm", "openai/gpt-oss-120b", (9, 0), Severity.OK),
        ("tensorrt-llm", "Qwen/Qwen3-8B", (8, 0), Severity.OK),
        ("transformers", "openai/gpt-oss-20b", (7, 5), Severity.WARNING),
        ("transformers", "openai/gpt-oss-20b", (7, 0), Severity.ERROR),
        ("ollama", "gpt-oss:120b", (7, 5), Severity.OK),
        ("ollama", "gpt-oss:120b", (3, 5), Severity.ERROR),
        ("llama-cpp", "gpt-oss-20b", (7, 5), Severity.OK),
    ],
)
def test_verdict(engine: str, model: str, compute: tuple[int, int], severity: Severity) -> None:
    (finding,) = found(engine, model, compute)
    assert finding.severity is severity, finding
    if severity is not Severity.OK:
        assert finding.cause
        assert finding.evidence
        assert "CODER_ENGINE" in finding.fix


def test_turing_names_the_way_out() -> None:
    (finding,) = found("vllm", "openai/gpt-oss-20b", (7, 5))
    assert "some card (compute capability 7.5)" in finding.summary
    assert "bfloat16" in finding.cause
    assert "ollama or llama-cpp" in finding.fix


@pytest.mark.parametrize(
    ("compute", "text"), [((12, 0), "TRITON_ATTN"), ((9, 0), "FLASH_ATTN"), ((10, 0), "FLASHINFER")]
)
def test_what_vllm_chooses_is_told(compute: tuple[int, int], text: str) -> None:
    (finding,) = found("vllm", "openai/gpt-oss-20b", compute)
    assert text in finding.summary


def test_the_weakest_of_several_cards_decides() -> None:
    cards = (gpu(0, compute=(9, 0)), gpu(1, compute=(7, 5)))
    request = replace(CODER.gpus, ids=("0", "1"))
    both = replace(CODER, engine="vllm", model="gpt-oss-20b", gpus=request)
    facts = replace(HEALTHY, driver=replace(DRIVER, gpus=cards), planned=(both,))
    (finding,) = run(CHECKS, facts, Phase.PREFLIGHT)
    assert finding.severity is Severity.ERROR
    assert "GPU 1" in finding.summary


def test_image_for_a_newer_cuda_than_the_driver_has() -> None:
    findings = found("whisper", "ggml-large-v3", (7, 5), cuda="13.0")
    (error,) = [f for f in findings if f.severity is Severity.ERROR]
    assert "needs CUDA 13.0, the driver 535.247.01 offers 12.2" in error.summary
    # a minor version runs on every driver of its major version
    assert all(f.severity is Severity.OK for f in found("whisper", "m", (7, 5), cuda="12.9"))


def test_unknown_capability_is_no_verdict() -> None:
    assert found("vllm", "openai/gpt-oss-20b", (0, 0)) == ()


def test_without_driver_it_is_skipped() -> None:
    (finding,) = run(CHECKS, replace(HEALTHY, driver=Unavailable("x", "nvml:9")), Phase.PREFLIGHT)
    assert (finding.check, finding.severity) == (ID, Severity.SKIPPED)


def test_rules_name_engines_that_exist() -> None:
    assert {rule.engine for rule in RULES} <= {*ENGINES, "sglang", "tensorrt-llm", "transformers"}
    assert all(rule.source and rule.reason for rule in RULES)
