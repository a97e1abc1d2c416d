"""Containers of this machine's daemon that ask for GPUs the CDI way."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pynvml
import pytest

from gpusim.hardware import gpu_uuid
from tests.integration.gpusim.simulated_host import HOST_IMAGE, command, container

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("installed_gpus")]

SLEEP = ("sleep", "3600")


def cdi(*names: str) -> tuple[str, ...]:
    options = [("--device", f"nvidia.com/gpu={name}") for name in names]
    return ("--network", "none", *(word for option in options for word in option))


def gpusim(*arguments: str) -> str:
    return command(sys.executable, "-m", "gpusim", *arguments).stdout


def smi(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return command("docker", "exec", name, "nvidia-smi", *arguments, check=False)


def listed(indexes: list[int]) -> str:
    """What nvidia-smi -L says inside: counted anew from 0."""
    return "".join(
        f"GPU {place}: Quadro RTX 8000 [simulated] (UUID: {gpu_uuid(index)})\n"
        for place, index in enumerate(indexes)
    )


@pytest.mark.parametrize(
    ("names", "indexes"),
    [
        (["2"], [2]),
        ([gpu_uuid(3)], [3]),
        (["1", "3"], [1, 3]),
        ([gpu_uuid(3), "0"], [0, 3]),
        (["all"], [0, 1, 2, 3]),
    ],
)
def test_container_sees_what_it_asked_for(names: list[str], indexes: list[int]) -> None:
    seen = command("docker", "run", "--rm", *cdi(*names), "debian:forky-slim", "nvidia-smi", "-L")
    assert seen.stdout == listed(indexes)


def test_gpu_that_is_not_there() -> None:
    with container("--network", "none", run=SLEEP) as name:
        assert "executable file not found" in smi(name, "-L").stdout
    refused = command(
        "docker", "run", "--rm", *cdi("9"), "debian:forky-slim", "true", check=False
    ).stdout
    assert "unresolvable CDI devices nvidia.com/gpu=9" in refused


def test_cgroup_denied_and_back() -> None:
    with container(*cdi("1"), run=SLEEP) as name, container(*cdi("1"), run=SLEEP) as other:
        assert gpusim("fault", "cgroup-denied", "--container", name) == (
            f"set cgroup-denied in container {name}\n"
        )
        try:
            lost = smi(name, "-L")
            assert lost.stdout == "Failed to initialize NVML: Unknown Error\n"
            assert lost.returncode == 255
            # The neighbour and the container's files are as before.
            assert smi(other, "-L").stdout == listed([1])
            assert "nvidiactl" in command("docker", "exec", name, "ls", "/dev").stdout
            assert f"fault: cgroup-denied in container {name}" in gpusim("status")
            # Once more is the same, not more.
            gpusim("fault", "cgroup-denied", "--container", name)
            assert smi(name, "-L").stdout == lost.stdout
        finally:
            cleared = gpusim("clear", "--container", name)
        assert cleared == f"cleared cgroup-denied in container {name}\n"
        assert smi(name, "-L").stdout == listed([1])


def test_cgroup_denied_is_cleared_after_the_container_has_gone() -> None:
    with container(*cdi("0"), run=SLEEP) as name:
        gpusim("fault", "cgroup-denied", "--container", name)
    assert gpusim("clear", "--container", name) == (
        f"cleared cgroup-denied in container {name} (the container is gone)\n"
    )


def test_cgroup_denied_needs_a_container_that_runs_with_a_gpu() -> None:
    def refused(name: str) -> str:
        done = command(
            *(sys.executable, "-m", "gpusim", "fault", "cgroup-denied", "--container", name),
            check=False,
        )
        assert done.returncode == 1
        return done.stdout

    assert refused("gpusim-test-nowhere").startswith("gpusim: no container 'gpusim-test-nowhere'")
    with container("--network", "none", run=SLEEP) as name:
        assert "has no NVIDIA device to deny" in refused(name)
        command("docker", "kill", name)
        assert refused(name) == f"gpusim: container {name!r} is not running\n"


@pytest.mark.usefixtures("faults_lock")
def test_running_container_sees_faults_at_once() -> None:
    with container(*cdi("1", "2"), run=SLEEP) as name:
        assert smi(name, "-L").stdout == listed([1, 2])
        gpusim("fault", "gpu-lost", "--gpu", "2")
        assert smi(name, "-L").stdout == (
            "Unable to determine the device handle for GPU1: 0000:3D:00.0: GPU is lost."
            "  Reboot the system to recover this GPU\n" + listed([1])
        )
        gpusim("clear")
        gpusim("fault", "version-mismatch")
        assert smi(name).returncode == 18
        gpusim("clear")
        assert smi(name, "-L").stdout == listed([1, 2])


def eventually(read: Callable[[], list[str]], seconds: float = 10) -> list[str]:
    deadline = time.monotonic() + seconds
    while not (found := read()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


@pytest.fixture
def worker() -> Iterator[tuple[str, int]]:
    """A container whose process holds 200 MiB for GPU 3, and its PID on this machine."""
    variables = ("--env", f"GPUSIM_GPU={gpu_uuid(3)}", "--env", "GPUSIM_PROCESS_NAME=/app/engine")
    # The program's text must not hold the memory twice, so it is grown in place.
    program = "$own = 'x' x (1024 * 1024); $own = ''; vec($own, 209715199, 8) = 1; sleep 3600"
    with container(*cdi("3"), *variables, run=("perl", "-e", program)) as name:
        pid = command("docker", "inspect", "--format", "{{.State.Pid}}", name).stdout.strip()
        yield name, int(pid)


def test_process_of_a_container_uses_gpu_memory(worker: tuple[str, int]) -> None:
    name, pid = worker
    query = ("--query-compute-apps=pid,name,gpu_uuid,used_memory", "--format=csv,noheader,nounits")

    def grown() -> list[str]:
        lines = [line.split(", ") for line in command("nvidia-smi", *query).stdout.splitlines()]
        return next((x for x in lines if x[0] == str(pid) and int(x[3]) >= 200), [])

    found = eventually(grown)
    assert found[:3] == [str(pid), "/app/engine", gpu_uuid(3)]
    assert int(found[3]) < 240
    used = command("docker", "exec", name, "nvidia-smi", "--query-gpu=memory.used", "--format=csv")
    assert int(used.stdout.splitlines()[1].split()[0]) >= 203
    # NVML reports host PIDs, which this PID namespace does not know.
    assert smi(name, *query).stdout == ""


def test_monitors_on_this_machine(worker: tuple[str, int]) -> None:
    _, pid = worker
    program = (
        "import pynvml\n"
        "pynvml.nvmlInit()\n"
        f"gpu = pynvml.nvmlDeviceGetHandleByUUID({gpu_uuid(3)!r})\n"
        "print([p.pid for p in pynvml.nvmlDeviceGetComputeRunningProcesses(gpu)])"
    )

    def seen() -> list[str]:
        text = command(sys.executable, "-c", program).stdout.strip()
        return [text] if str(pid) in text else []

    assert eventually(seen)
    stats = json.loads(command(sys.executable, "-m", "gpustat", "--json").stdout)
    assert pid in [process["pid"] for process in stats["gpus"][3]["processes"]]
    top = command(sys.executable, "-m", "nvitop", "-1", "--no-unicode").stdout
    assert str(pid) in top
    assert "Driver Version: 580.159.03" in top


@pytest.mark.usefixtures("host_image")
def test_monitors_in_a_container() -> None:
    packages = os.path.dirname(pynvml.__file__)
    options = (
        *cdi("0", "2"),
        *("--volume", f"{packages}:/packages:ro", "--env", "PYTHONPATH=/packages"),
        *("--env", "PYTHONDONTWRITEBYTECODE=1"),
    )
    with container(*options, image=HOST_IMAGE, run=SLEEP) as name:
        inside = ("docker", "exec", name, "python3", "-m")
        stats = json.loads(command(*inside, "gpustat", "--json").stdout)
        assert [gpu["uuid"] for gpu in stats["gpus"]] == [gpu_uuid(0), gpu_uuid(2)]
        top = command(*inside, "nvitop", "-1", "--no-unicode").stdout
        assert top.count("00000000:1A:00.0") == 1
        assert top.count("00000000:3D:00.0") == 1
