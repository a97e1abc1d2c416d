"""Faults of one container that gpusim has for the whole machine only."""

from __future__ import annotations

from gpusim.paths import RUN_DIR
from tests.integration.stack.box import Box, docker, gpusim, run


def cuda_inside(box: Box, role: str) -> None:
    """Inside this one container CUDA fails from now on, and nowhere else."""
    gpusim("fault", "cuda-999")
    text = (RUN_DIR / "state").read_bytes()
    gpusim("clear")
    source = box.home.parent / "spoilt"
    source.write_bytes(text)
    docker("cp", str(source), f"{box.container(role)}:/tmp/spoilt")
    pid = str(box.inspect(role)["State"]["Pid"])
    state = str(RUN_DIR / "state")
    done = run(["nsenter", "-t", pid, "-m", "--", "mount", "--bind", "/tmp/spoilt", state])
    assert done.code == 0, done.text
