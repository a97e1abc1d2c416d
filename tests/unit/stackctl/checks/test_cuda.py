"""gpu.cuda: CUDA inside a container, beside what nvidia-smi shows there."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from stackctl.model import (
    NOT_ASKED,
    Cuda,
    Facts,
    Finding,
    Node,
    SeenGpu,
    Severity,
    Unavailable,
)
from tests.unit.stackctl.box import HEALTHY, findings, uuid

NO_SMI = Unavailable('exec: "nvidia-smi": executable file not found in $PATH', "no-smi")
LOST = Unavailable("Failed to initialize NVML: Unknown Error", "smi:255")
BOTH = (uuid(0)[4:], uuid(1)[4:])
FAILED = Unavailable("cuInit failed with 999: CUDA_ERROR_UNKNOWN: unknown error", "cuda:999")
NO_DEVICE = Unavailable("cuInit failed with 100: CUDA_ERROR_NO_DEVICE", "cuda:100")
UVM = Node("/dev/nvidia-uvm", 234)


def main_with(
    cuda: Cuda | Unavailable, inside: tuple[SeenGpu, ...] | Unavailable | None = None
) -> Facts:
    observed = tuple(
        replace(o, cuda=cuda, inside=o.inside if inside is None else inside)
        if o.service.name == "main"
        else o
        for o in HEALTHY.observed
    )
    return replace(HEALTHY, observed=observed)


def judged(facts: Facts) -> Finding:
    (found,) = (f for f in findings("gpu.cuda", facts) if f.subject == "main")
    return found


def test_both_work() -> None:
    found = judged(main_with(Cuda(BOTH)))
    assert (found.severity, found.summary) == (Severity.OK, "CUDA works inside on 2 GPU")


def test_a_gpu_that_nobody_can_look_at_is_no_gpu_that_fails() -> None:
    """Compute without utility: the engine works, nvidia-smi is not there."""
    blind = main_with(Cuda(BOTH), NO_SMI)
    assert judged(blind).severity is Severity.WARNING
    assert "main" not in {f.subject for f in findings("gpu.inside", blind)}


def test_not_asked() -> None:
    assert not findings("gpu.cuda", main_with(NOT_ASKED))
    found = judged(main_with(Unavailable("the image has no Python", "python")))
    assert found.severity is Severity.SKIPPED
    assert "the image has no Python" in found.summary
    odd = Cuda(Unavailable("libm.so.6: version `GLIBC_2.99' not found", "not-loaded"))
    assert judged(main_with(odd)).severity is Severity.SKIPPED


@pytest.mark.parametrize(
    ("cuda", "cause"),
    [
        (Cuda(FAILED), "another number than the CDI specification"),
        (Cuda(FAILED, (UVM,), uvm_major=235), "has the major number 234 in the container"),
        (Cuda(FAILED, uvm_major=235), "is not in the container"),
        (Cuda(NO_DEVICE), "finds no GPU"),
        (Cuda(NO_DEVICE, mask="2"), "CUDA_VISIBLE_DEVICES=2 hides"),
        (Cuda(Unavailable("cuInit failed with 804", "cuda:804")), "compatibility layer"),
        (Cuda(Unavailable("cuInit failed with 803", "cuda:803")), "another driver"),
        (Cuda(Unavailable("libcuda.so.1: cannot open", "no-libcuda")), "`compute` capability"),
        (Cuda(Unavailable("CUDA did not end in time", "hung")), "hangs"),
    ],
)
def test_nvml_without_cuda(cuda: Cuda, cause: str) -> None:
    found = judged(main_with(cuda))
    assert found.severity is Severity.ERROR
    assert cause in found.cause
    assert "ROLE" not in found.fix
    assert found.fix


def test_cuda_without_nvml() -> None:
    found = judged(main_with(Cuda(BOTH), NO_SMI))
    assert found.severity is Severity.WARNING
    assert "utility" in found.cause
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in found.fix


def test_neither_is_left_to_the_check_before_and_the_nodes_are_named() -> None:
    nodes = (Node("/dev/nvidia0", 195, errno.EPERM), Node("/dev/nvidia1", 195))
    found = judged(main_with(Cuda(NO_DEVICE, nodes), LOST))
    assert found.severity is Severity.SKIPPED
    assert "/dev/nvidia0 (not permitted)" in found.summary
    assert "/dev/nvidia1" not in found.summary


def test_a_node_without_a_driver_is_normal_for_simulated_gpus_alone() -> None:
    nodes = (replace(UVM, error=errno.ENXIO),)
    assert "no driver behind it" in judged(main_with(Cuda(FAILED, nodes))).evidence
    simulated = main_with(Cuda(FAILED, nodes))
    assert not isinstance(simulated.driver, Unavailable)
    gpus = tuple(replace(g, name=f"{g.name} [simulated]") for g in simulated.driver.gpus)
    simulated = replace(simulated, driver=replace(simulated.driver, gpus=gpus))
    assert "nvidia-uvm" not in judged(simulated).evidence


def test_other_gpus_than_nvml() -> None:
    found = judged(main_with(Cuda(BOTH[:1])))
    assert found.severity is Severity.ERROR
    assert found.values == {"missing": [BOTH[1]], "extra": []}
    assert "hides GPUs" in judged(main_with(Cuda(BOTH[:1], mask="0"))).cause


def test_other_gpus_than_assigned() -> None:
    found = judged(main_with(Cuda((BOTH[0], uuid(3)[4:])), NO_SMI))
    assert found.severity is Severity.ERROR
    assert found.values == {"missing": [BOTH[1]], "extra": [uuid(3)[4:]]}
