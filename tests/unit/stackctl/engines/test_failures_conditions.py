"""Failures without a line of their own are seen by the check that the catalogue names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from stackctl.catalogue import CONDITIONS
from stackctl.model import (
    Buffer,
    DamagedModel,
    Facts,
    Failure,
    GpuProof,
    Progress,
    SeenGpu,
    Severity,
    Unavailable,
)
from tests.unit.stackctl.box import HEALTHY, findings, uuid, with_gpu, with_service
from tests.unit.stackctl.lint.linting import rules, service

EVERY_GPU = tuple(SeenGpu(uuid(n), "Quadro RTX 8000") for n in range(4))
#: a box in which the failure of this id is
BOXES: dict[str, Callable[[], Facts]] = {
    "privileged-leak": lambda: with_service("coder", inside=EVERY_GPU),
    "index-order": lambda: with_service("coder", inside=EVERY_GPU[:1]),
    "cpu-fallback": lambda: with_service(
        "coder", proof=GpuProof((Buffer("CPU", "model", 12000.0),), layers=(0, 25))
    ),
    "split-ignored": lambda: with_service(
        "coder", proof=GpuProof((Buffer("CUDA0", "model", 4000.0), Buffer("CUDA1", "model", 1e4)))
    ),
    "killed-for-memory": lambda: with_service(
        "main", state="exited", exit_code=137, oom_killed=True
    ),
    "restart-loop": lambda: with_service("main", restarts=7),
    "unhealthy-forever": lambda: with_service(
        "main", health="unhealthy", ready=Unavailable("no answer"), progress=Progress("x", 100)
    ),
    "orphan-memory": lambda: with_gpu(3, used_mib=45000, processes=()),
    "model-leftovers": lambda: replace(
        HEALTHY,
        damaged_models=(
            DamagedModel("main", "/m/x", ("it is cut off",), "stackctl models repair"),
        ),
    ),
}
#: compose files in which the failure of this id is
FILES = {
    "double-mask": service(
        """
    image: vllm/vllm-openai:v0.32.0
    environment:
      CUDA_VISIBLE_DEVICES: "2"
    deploy:
      resources:
        reservations:
          devices:
            - driver: nvidia
              device_ids: ["2"]
              capabilities: [gpu]
"""
    ),
    "tools-as-text": service(
        """
    image: vllm/vllm-openai:v0.32.0
    command: ["--model", "openai/gpt-oss-20b", "--enable-auto-tool-choice"]
"""
    ),
}


@pytest.mark.parametrize("entry", CONDITIONS, ids=lambda f: str(f.id))
def test_seen_by_its_check(entry: Failure) -> None:
    if entry.id in FILES:
        assert entry.check in rules(FILES[entry.id])
        return
    found = findings(entry.check, BOXES[entry.id]())
    assert any(f.severity is Severity.ERROR for f in found)
    healthy = findings(entry.check, HEALTHY)
    assert not any(f.severity is Severity.ERROR for f in healthy)
