"""nvidia-smi's words inside a container, and the model files on the host."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from stackctl import facts
from stackctl.model import Mount, SeenGpu, Unavailable
from tests.unit.stackctl.box import MAIN, uuid

FAILED = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that "
    "the latest NVIDIA driver is installed and running.\n"
)
LOST = (
    "Unable to determine the device handle for GPU 0000:1B:00.0: GPU is lost.  Reboot the system "
    "to recover this GPU\n"
)


def test_gpus() -> None:
    output = f"{uuid(0)}, Quadro RTX 8000\n{uuid(1)}, NVIDIA X, Y\n"
    assert facts.read_smi(0, output) == (
        SeenGpu(uuid(0), "Quadro RTX 8000"),
        SeenGpu(uuid(1), "NVIDIA X, Y"),
    )


@pytest.mark.parametrize(
    ("code", "output", "reason", "kind"),
    [
        (255, "Failed to initialize NVML: Unknown Error\n", "Unknown Error", "smi:255"),
        (4, "Failed to initialize NVML: Insufficient Permissions\n", "Permissions", "smi:4"),
        (9, FAILED, "couldn't communicate", "smi:9"),
        (
            18,
            "Failed to initialize NVML: Driver/library version mismatch\n"
            "NVML library version: 535.183\n",
            "version mismatch",
            "smi:18",
        ),
        (6, "No devices were found\n", "No devices were found", "smi:6"),
        (15, LOST, "GPU is lost", "smi:15"),
        (1, "", "nvidia-smi ended with 1", "smi:1"),
        (124, "", "did not end in time", "hung"),
        (137, "", "did not end in time", "hung"),
        (127, "timeout: failed to run command 'nvidia-smi': No such file\n", "failed", "no-smi"),
        (126, "", "nvidia-smi not found", "no-smi"),
        (
            1,
            'OCI runtime exec failed: exec: "nvidia-smi": executable file not found in $PATH',
            "not found in $PATH",
            "no-smi",
        ),
    ],
)
def test_no_gpus(code: int, output: str, reason: str, kind: str) -> None:
    found = facts.read_smi(code, output)
    assert isinstance(found, Unavailable)
    assert reason in found.reason
    assert found.code == kind


def test_the_gpus_that_are_left_beside_a_lost_one() -> None:
    output = LOST + f"{uuid(0)}, Quadro RTX 8000\n"
    assert facts.read_smi(15, output) == (SeenGpu(uuid(0), "Quadro RTX 8000"),)


def test_no_gpu_and_no_error_is_no_gpu() -> None:
    assert facts.read_smi(0, "") == ()


def test_a_model_is_looked_for_where_its_mount_says(tmp_path: Path) -> None:
    mount = Mount(str(tmp_path), "/models", True)
    service = replace(MAIN, engine="llama-cpp", model="tiny", mounts=(mount,))
    path = tmp_path / "llama-cpp" / "tiny.gguf"
    assert facts.model_on_host(service) == str(path)
    missing = facts.missing_model(service)
    assert missing
    assert (missing.service, missing.path) == ("main", str(path))
    assert missing.fetch == "stackctl models pull main"
    path.parent.mkdir()
    path.touch()
    assert facts.missing_model(service) is None


def test_a_model_in_a_volume_or_of_an_unknown_engine_is_not_looked_for() -> None:
    volume = replace(MAIN, mounts=(Mount("cache", "/models", False),))
    for service in (volume, MAIN, replace(MAIN, engine="other"), replace(MAIN, model="")):
        assert facts.missing_model(service) is None
