"""Broken GPUs and drivers under a running stack: told exactly, and green again once mended."""

from __future__ import annotations

import time

import pytest

from tests.integration.stack.box import ROLES, Box, Problem, gpusim

pytestmark = [pytest.mark.docker, pytest.mark.stack]

GPU_OF_CODER = "3"


def on(check: str, *subjects: str) -> set[Problem]:
    return {(check, "error", subject) for subject in subjects}


def test_lost_device_permissions(stack: Box) -> None:
    """What `systemctl daemon-reload` does to a container that got its GPU by the hook."""
    gpusim("fault", "cgroup-denied", "--container", stack.container("coder"))
    verdict = stack.verify()
    assert verdict.code == 1
    assert verdict.problems == on("gpu.inside", "coder")
    finding = verdict.get("gpu.inside", "coder")
    assert finding["evidence"] == "Failed to initialize NVML: Unknown Error"
    assert "daemon-reload" in finding["cause"]
    assert finding["fix"].startswith("stackctl restart coder;")
    # the fault stays set: it is the new container that is free of it
    assert stack.follow(finding["fix"]).code == 0
    assert stack.verify().code == 0


@pytest.mark.parametrize(
    ("fault", "words", "failure"),
    [("gpu-lost", "GPU is lost", "gpu-lost"), ("gpu-reset", "requires re", "gpu-needs-reset")],
)
def test_gpu_that_refuses(stack: Box, fault: str, words: str, failure: str) -> None:
    gpusim("fault", fault, "--gpu", GPU_OF_CODER)
    verdict = stack.verify()
    assert verdict.code == 1
    assert ("gpu.health", "error", "GPU 3") in verdict.problems
    assert {subject for _, _, subject in verdict.problems} == {"GPU 3", "coder"}
    finding = verdict.get("gpu.health", "GPU 3")
    assert words in finding["summary"]
    assert "nvidia-smi -i 3" in finding["fix"]
    inside = verdict.get("gpu.inside", "coder")
    assert finding["values"]["failure"] == inside["values"]["failure"] == failure
    assert "nvidia-smi -i 3" in inside["fix"]
    gpusim("clear")
    assert stack.verify().code == 0


def test_failed_gpu_keeps_only_its_own_services_down(stack: Box) -> None:
    gpusim("fault", "gpu-lost", "--gpu", GPU_OF_CODER)
    refused = stack.stackctl("restart", "coder")
    assert refused.code == 1
    assert "GPU 3: the driver says: GPU is lost  [gpu.health]" in refused.out
    assert "nothing was changed" in refused.out
    other = stack.stackctl("restart", "audio")
    assert other.code == 0, other.text
    gpusim("clear")
    assert stack.verify().code == 0


def test_one_lost_gpu_of_two(stack: Box) -> None:
    """The other one is neither blamed nor said to be too full."""
    gpusim("fault", "gpu-lost", "--gpu", "1")
    verdict = stack.verify()
    assert verdict.code == 1
    assert verdict.problems == on("gpu.health", "GPU 1") | on("gpu.exists", "main") | on(
        "gpu.assigned", "main"
    )
    gpusim("clear")
    assert stack.verify().code == 0


@pytest.mark.parametrize(
    ("fault", "cause", "fix"),
    [
        ("version-mismatch", "upgraded while the old kernel module", "sudo reboot"),
        ("driver-not-loaded", "kernel module is not loaded", "sudo modprobe nvidia"),
    ],
)
def test_driver_that_does_not_answer(stack: Box, fault: str, cause: str, fix: str) -> None:
    gpusim("fault", fault)
    verdict = stack.verify()
    assert verdict.code == 1
    assert verdict.problems == on("gpu.driver", "host") | on("gpu.inside", *ROLES)
    finding = verdict.get("gpu.driver", "host")
    assert cause in finding["cause"]
    assert finding["fix"].startswith(fix)
    # without a driver nothing may be said to be on a GPU
    proofs = [f for f in verdict.findings if f["check"] == "engine.on-gpu"]
    assert {f["severity"] for f in proofs} == {"skipped"}
    gpusim("clear")
    assert stack.verify().code == 0


def test_one_gpu_fewer(stack: Box) -> None:
    gpusim("fault", "wrong-count", "--gpu", GPU_OF_CODER)
    verdict = stack.verify()
    assert verdict.code == 1
    expected = [("gpu.exists", "coder"), ("gpu.inside", "coder"), ("engine.on-gpu", "coder")]
    assert verdict.problems == {(check, "error", subject) for check, subject in expected}
    assert verdict.get("gpu.inside", "coder")["evidence"] == "No devices were found"
    assert "GPU-" in verdict.get("gpu.exists", "coder")["summary"]
    gpusim("clear")
    assert stack.verify().code == 0


def test_memory_taken_by_nobody(stack: Box) -> None:
    gpusim("fault", "memory-full", "--gpu", GPU_OF_CODER)
    verdict = stack.verify()
    assert verdict.code == 1
    assert verdict.problems == on("gpu.room", "GPU 3")
    finding = verdict.get("gpu.room", "GPU 3")
    assert "held by somebody else" in finding["summary"]
    assert "fuser" in finding["fix"]
    gpusim("clear")
    assert stack.verify().code == 0


def test_ecc_error(stack: Box) -> None:
    gpusim("fault", "ecc", "--gpu", GPU_OF_CODER)
    verdict = stack.verify()
    assert verdict.code == 1
    assert verdict.problems == on("gpu.health", "GPU 3")
    assert "uncorrectable ECC" in verdict.get("gpu.health", "GPU 3")["summary"]
    gpusim("clear")
    assert stack.verify().code == 0


def test_xid_is_answered_by_a_restart(stack: Box) -> None:
    stack.add_xid(3, 79)
    verdict = stack.verify()
    assert verdict.code == 1
    assert verdict.problems == on("gpu.xid", "GPU 3")
    finding = verdict.get("gpu.xid", "GPU 3")
    assert "has fallen off the bus" in finding["evidence"]
    assert "power the machine off and on" in finding["fix"]
    # the line stays in the kernel's log, but it is older than what runs now
    assert stack.stackctl("restart", "coder").code == 0
    assert stack.verify().code == 0


def test_hung_driver_does_not_hang_verify(stack: Box) -> None:
    gpusim("fault", "hung-driver", "--seconds", "30")
    began = time.monotonic()
    verdict = stack.verify(timeout=60)
    seconds = time.monotonic() - began
    assert verdict.code == 1
    assert ("gpu.driver", "error", "host") in verdict.problems
    assert on("gpu.inside", *ROLES) <= verdict.problems
    assert "hangs" in verdict.get("gpu.driver", "host")["cause"]
    assert verdict.get("gpu.inside", "main")["values"]["code"] == "hung"
    assert seconds < 30
    gpusim("clear")
    assert stack.verify().code == 0
