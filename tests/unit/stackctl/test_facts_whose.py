"""What is asked beside a container in which CUDA fails, and only then."""

from __future__ import annotations

from typing import Any

import pytest

from stackctl.facts.whose import beside, nodes
from stackctl.model import NOT_ASKED, Cuda, Unavailable
from stackctl.model.host import CdiSpec
from stackctl.system import cuda
from stackctl.system.host import cdi
from tests.unit.stackctl.box import HEALTHY, uuid, with_cuda, with_service

FAILED = Cuda(Unavailable("cuInit failed with 999", "cuda:999"))
WELL = Cuda((uuid(3)[4:],))
LOST = Unavailable("Failed to initialize NVML: Unknown Error", "smi:255")
UVM = "/dev/nvidia-uvm"


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda, "on_host", lambda: WELL)
    monkeypatch.setattr(cdi, "specs", lambda: (CdiSpec("/etc/cdi/a.yaml", nodes=(UVM,)),))


@pytest.mark.parametrize(
    ("seen", "changes", "asked"),
    [
        (WELL, {}, False),
        (FAILED, {}, True),
        (Cuda(()), {}, True),
        (FAILED, {"inside": LOST}, False),
        (Unavailable("the image has no Python", "python"), {}, False),
    ],
)
def test_when(seen: Cuda | Unavailable, changes: dict[str, Any], asked: bool) -> None:
    found = beside(with_cuda("coder", seen, with_service("coder", **changes)))
    assert (found.host_cuda == WELL) is asked
    assert (found.cdi_nodes == {UVM: 0}) is asked


def test_of_a_healthy_box_nothing_is_asked() -> None:
    assert beside(HEALTHY).host_cuda == NOT_ASKED


def test_numbers_of_device_nodes() -> None:
    first = CdiSpec("/etc/cdi/a.yaml", majors={UVM: 234}, nodes=(UVM, "/dev/nvidia0"))
    later = CdiSpec("/var/run/cdi/a.yaml", nodes=(UVM,))
    broken = Unavailable("/etc/cdi/b.yaml: no YAML")
    assert nodes([first]) == {UVM: 234, "/dev/nvidia0": 0}
    assert nodes([first, broken, later]) == {UVM: 0, "/dev/nvidia0": 0}
    assert nodes([broken]) is None
