"""The lines of the probe -> what CUDA says inside; and the program itself, without a container."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stackctl.model import Cuda, Node, Unavailable
from stackctl.system import cuda, cuda_inside, probe

NODES = "node /dev/nvidia0 195 0 0\nnode /dev/nvidia-uvm 234 0 6\n"
OPENED = (Node("/dev/nvidia0", 195), Node("/dev/nvidia-uvm", 234, errno.ENXIO))


def test_devices() -> None:
    said = cuda.read(0, f"mask 0,1\n{NODES}device aa-1\ndevice bb-2\nend\n", 235)
    assert said == Cuda(("aa-1", "bb-2"), OPENED, mask="0,1", uvm_major=235)


@pytest.mark.parametrize(
    ("line", "devices"),
    [
        (
            "failed cuInit 999 CUDA_ERROR_UNKNOWN: unknown error",
            Unavailable("cuInit failed with 999: CUDA_ERROR_UNKNOWN: unknown error", "cuda:999"),
        ),
        (
            "failed dlopen -1 libcuda.so.1: cannot open shared object file: No such file or "
            "directory",
            Unavailable(
                "libcuda.so.1: cannot open shared object file: No such file or directory",
                "no-libcuda",
            ),
        ),
        (
            "failed dlopen -1 /lib/x86_64-linux-gnu/libm.so.6: version `GLIBC_2.99' not found",
            Unavailable(
                "/lib/x86_64-linux-gnu/libm.so.6: version `GLIBC_2.99' not found", "not-loaded"
            ),
        ),
        ("", Unavailable("CUDA ended with 139", "exit:139")),
    ],
)
def test_failures(line: str, devices: Unavailable) -> None:
    assert cuda.read(139, f"{NODES}{line}\n") == Cuda(devices, OPENED)


def test_a_hung_driver_still_tells_the_nodes() -> None:
    said = cuda.read(124, NODES)
    assert said == Cuda(Unavailable("CUDA did not end in time", "hung"), OPENED)


@pytest.mark.parametrize(
    ("code", "output", "expected"),
    [
        (124, "", "hung"),
        (127, 'exec: "python3": executable file not found in $PATH', "python"),
        (126, "timeout: failed to run command", "python"),
        (1, "Traceback\nImportError: no _ctypes", "probe"),
    ],
)
def test_nobody_asked(code: int, output: str, expected: str) -> None:
    said = cuda.read(code, output)
    assert isinstance(said, Unavailable)
    assert said.code == expected


def test_the_number_of_uvm(tmp_path: Path) -> None:
    devices = tmp_path / "devices"
    assert cuda.uvm_major(devices) is None
    devices.write_text(
        "Character devices:\n  1 mem\n195 nvidia\n511 nvidia-uvm\n\nBlock devices:\n"
    )
    assert cuda.uvm_major(devices) == 511


def test_nodes_of_a_folder(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "nvidia0").touch()
    (tmp_path / "nvidia-caps").mkdir()
    (tmp_path / "null").touch()
    cuda_inside.nodes(str(tmp_path))
    assert capfd.readouterr().out == f"node {tmp_path}/nvidia0 0 0 0\n"


def test_the_program_alone() -> None:
    """Without arguments it asks where it is; the answer depends on the machine, not its form."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(cuda.PROGRAM)],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        env={"CUDA_VISIBLE_DEVICES": "none"},
    )
    said = cuda.read(done.returncode, done.stdout)
    assert isinstance(said, Cuda)
    assert said.mask == "none"


def test_a_container_that_cannot_be_entered(tmp_path: Path) -> None:
    program = [sys.executable, "-I", "-S", str(cuda.PROGRAM), str(tmp_path / "no"), str(2**22 + 1)]
    assert probe.end_in_time(program, 30)[0] == probe.CANNOT_JOIN


def test_what_does_not_end_is_killed_and_its_output_kept() -> None:
    code, output = probe.end_in_time(["sh", "-c", "echo $$; exec sleep 30"], 0.3)
    assert code == probe.TIMED_OUT
    with pytest.raises(ProcessLookupError):
        os.kill(int(output), 0)
