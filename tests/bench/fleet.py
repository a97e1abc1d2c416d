"""Many small services with the contract's labels, each on a simulated GPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import yaml

from tests.integration.stack.box import Box, run

#: small, so that twenty engines find room in the memory of a laptop
CONTEXT = 512
GPUS = 4


def description(size: int) -> str:
    """A compose file with that many services like `coder`."""
    return yaml.safe_dump({"services": {f"s{n:02}": _service(n) for n in range(size)}})


def _service(number: int) -> dict[str, object]:
    device = {
        "driver": "cdi",
        "device_ids": [f"nvidia.com/gpu={number % GPUS}"],
        "capabilities": ["gpu"],
    }
    return {
        "extends": {"file": "engines/llama-cpp.yaml", "service": "engine"},
        "environment": {"STACK_MODEL": "gpt-oss-20b", "STACK_CONTEXT": CONTEXT},
        "labels": {
            "stackctl.role": f"s{number:02}",
            "stackctl.model": "gpt-oss-20b",
            "stackctl.context": str(CONTEXT),
            "stackctl.vram_mib": "500",
        },
        "deploy": {"resources": {"reservations": {"devices": [device]}}},
    }


@contextmanager
def fleet(box: Box, size: int) -> Iterator[Box]:
    """`size` services, running and green, as a Compose project of its own."""
    mine = replace(box, project=f"{box.project}-{size}", env=dict(box.env))
    file = box.home / "compose" / f"fleet-{size}.yaml"
    file.write_text(description(size), encoding="utf-8")
    command = ["docker", "compose"]
    for name in ("env/images.env", "env/hardware/sim.env"):
        command += ["--env-file", str(box.home / name)]
    try:
        up = run(
            [*command, "-f", str(file), "up", "--detach", "--wait"], env=mine.environ, timeout=180
        )
        assert up.code == 0, up.text
        verdict = mine.verify()
        assert verdict.code == 0, verdict.problems
        assert sum(f["check"] == "engine.on-gpu" for f in verdict.findings) == size
        yield mine
    finally:
        mine.remove()
