"""gpu.cuda: CUDA inside a container, beside what nvidia-smi shows there."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Any

import pytest

from stackctl.checks.cuda_cause import Cure
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
from tests.unit.stackctl.box import HEALTHY, findings, uuid, with_cuda

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
    assert (found.severity, found.summary) == (Severity.OK, "CUDA works inside")


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


HUNG = Unavailable("CUDA did not end in time", "hung")
MISMATCH = Unavailable("cuInit failed with 803: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", "cuda:803")
NODES = (Node("/dev/nvidia0", 195), UVM, Node("/dev/nvidiactl", 195))
STALE = Cuda(FAILED, NODES, uvm_major=235)
RIGHT = Cuda(FAILED, NODES, uvm_major=234)
DENIED = (Node("/dev/nvidia0", 195), replace(UVM, error=errno.EPERM))


@pytest.mark.parametrize(
    ("cuda", "box", "cause", "cure"),
    [
        # device nodes and rules: a new container gets the right ones, or what CDI files have
        (STALE, {}, "has the major number 234 in the container", Cure.CONTAINER),
        (STALE, {"cdi_nodes": {"/dev/nvidia-uvm": 0}}, "gets the right one", Cure.CONTAINER),
        (STALE, {"cdi_nodes": {"/dev/nvidia-uvm": 235}}, "gets the right one", Cure.CONTAINER),
        (STALE, {"cdi_nodes": {"/dev/nvidia-uvm": 234}}, "the CDI file says 234", Cure.HOST),
        (Cuda(FAILED, uvm_major=235), {}, "is not in the container", Cure.CONTAINER),
        (Cuda(FAILED, uvm_major=235), {"cdi_nodes": {}}, "does not name it", Cure.HOST),
        (Cuda(FAILED, NODES[:1]), {}, "nvidia_uvm is not loaded", Cure.HOST),
        (
            Cuda(NO_DEVICE, DENIED, uvm_major=234),
            {},
            "lost its permission for /dev/nvidia-uvm",
            Cure.CONTAINER,
        ),
        # the nodes are right: what does the rest of the box say?
        (RIGHT, {"host_cuda": Cuda(BOTH)}, "works on the host", Cure.TRY),
        (RIGHT, {"host_cuda": Cuda(FAILED)}, "fails on the host as well", Cure.HOST),
        (RIGHT, {"host_cuda": Cuda(HUNG)}, "fails on the host as well", Cure.HOST),
        (RIGHT, {"host_cuda": Cuda(Unavailable("no libcuda", "no-libcuda"))}, "card", Cure.UNKNOWN),
        (RIGHT, {}, "lost device permissions", Cure.UNKNOWN),
        (Cuda(NO_DEVICE), {}, "a card failed", Cure.UNKNOWN),
        (Cuda(NO_DEVICE, mask="2"), {}, "CUDA_VISIBLE_DEVICES=2 hides", Cure.SETTINGS),
        (Cuda(Unavailable("804", "cuda:804")), {}, "compatibility layer", Cure.SETTINGS),
        (Cuda(MISMATCH), {}, "another driver", Cure.HOST),
        (Cuda(MISMATCH), {"host_cuda": Cuda(BOTH)}, "another driver", Cure.UNKNOWN),
        (Cuda(Unavailable("libcuda.so.1", "no-libcuda")), {}, "`compute`", Cure.SETTINGS),
        (Cuda(HUNG), {"host_cuda": Cuda(HUNG)}, "hangs", Cure.HOST),
    ],
)
def test_nvml_without_cuda(cuda: Cuda, box: dict[str, Any], cause: str, cure: Cure) -> None:
    found = judged(replace(main_with(cuda), **box))
    assert found.severity is Severity.ERROR
    assert cause in found.cause
    assert found.values["cure"] == cure
    assert "ROLE" not in found.fix
    assert found.fix


def test_cuda_that_works_in_another_container() -> None:
    found = judged(with_cuda("coder", Cuda((uuid(3)[4:],)), main_with(RIGHT)))
    assert "works in coder" in found.cause
    assert found.values["cure"] == Cure.TRY


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
    assert found.values == {"missing": [BOTH[1]], "extra": [], "cure": Cure.UNKNOWN}
    assert "hides GPUs" in judged(main_with(Cuda(BOTH[:1], mask="0"))).cause


@pytest.mark.parametrize(
    ("cuda", "host", "cure"),
    [
        (Cuda(BOTH[:1], (Node("/dev/nvidia1", 195, errno.EPERM),)), NOT_ASKED, Cure.CONTAINER),
        (Cuda(BOTH[:1]), Cuda(BOTH), Cure.TRY),
        (Cuda(BOTH[:1]), Cuda(BOTH[:1]), Cure.UNKNOWN),
        (Cuda((*BOTH, uuid(3)[4:])), Cuda(BOTH), Cure.SETTINGS),
    ],
)
def test_whose_fault_another_set_of_gpus_is(
    cuda: Cuda, host: Cuda | Unavailable, cure: Cure
) -> None:
    found = judged(replace(main_with(cuda), host_cuda=host))
    assert found.values["cure"] == cure
    assert found.cause


def test_other_gpus_than_assigned() -> None:
    found = judged(main_with(Cuda((BOTH[0], uuid(3)[4:])), NO_SMI))
    assert found.severity is Severity.ERROR
    assert found.values["missing"] == [BOTH[1]]
    assert found.values["extra"] == [uuid(3)[4:]]
