"""Every way of a daemon to a GPU, on a host with systemd and cgroup v2."""

import time

import pytest

from gpusim.hardware import gpu_uuid
from tests.integration.gpusim.simulated_host import Host, InnerContainer, StartRefused

pytestmark = pytest.mark.docker

LOST = "Failed to initialize NVML: Unknown Error\n"
RUNTIME = ("--runtime", "nvidia", "--env")

# What a container asks for, and the GPUs it gets.
WAYS = {
    "hook, count": (("--gpus", "2"), [0, 1]),
    "hook, all": (("--gpus", "all"), [0, 1, 2, 3]),
    "hook, indexes": (("--gpus", '"device=1,3"'), [1, 3]),
    "hook, UUID": (("--gpus", f"device={gpu_uuid(2)}"), [2]),
    "hook, driver by name": (("--gpus", "driver=nvidia,count=1"), [0]),
    "runtime, indexes": ((*RUNTIME, "NVIDIA_VISIBLE_DEVICES=3,1"), [1, 3]),
    "runtime, UUID": ((*RUNTIME, f"NVIDIA_VISIBLE_DEVICES={gpu_uuid(2)}"), [2]),
    "CDI": (("--device", "nvidia.com/gpu=0", "--device", "nvidia.com/gpu=3"), [0, 3]),
}


def seen_by(container: InnerContainer) -> list[int]:
    """Indexes on the host of the GPUs that the container sees."""
    smi = container.smi("--query-gpu=uuid", "--format=csv,noheader")
    assert smi.returncode == 0, smi.stdout
    index_of = {gpu_uuid(index): index for index in range(4)}
    return [index_of[uuid] for uuid in smi.stdout.split()]


def test_host_is_what_it_claims(gpuhost: Host) -> None:
    info = gpuhost.run("docker", "info", "--format", "{{.CgroupDriver}} {{.CgroupVersion}}")
    assert info.stdout == "systemd 2\n"
    assert gpuhost.run("cat", "/proc/1/comm").stdout == "systemd\n"


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_a_gpu(gpuhost: Host, way: str) -> None:
    options, indexes = WAYS[way]
    with gpuhost.container(*options) as container:
        assert seen_by(container) == indexes


def test_runtime_without_a_request_gives_no_gpu(gpuhost: Host) -> None:
    with gpuhost.container("--runtime", "nvidia") as container:
        assert "executable file not found" in container.smi().stdout


@pytest.mark.parametrize(
    ("capabilities", "nvml", "cuda"),
    [
        ("compute", False, True),
        ("utility", True, False),
        ("compute,utility", True, True),
        ("all", True, True),
        ("graphics", False, False),
    ],
)
@pytest.mark.parametrize("way", ["hook, UUID", "runtime, UUID"])
def test_capabilities(gpuhost: Host, way: str, capabilities: str, nvml: bool, cuda: bool) -> None:
    """Which of the two libraries a container gets; nvidia-smi comes with NVML."""
    options, _ = WAYS[way]
    wanted = ("--env", f"NVIDIA_DRIVER_CAPABILITIES={capabilities}")
    with gpuhost.container(*options, *wanted) as container:
        there = gpuhost.shell(
            f"docker exec {container.name} /busybox ls /usr/lib/x86_64-linux-gnu /usr/lib64 "
            "/usr/lib /usr/bin 2>&1; true"
        )
        assert ("libnvidia-ml.so.1" in there, "libcuda.so.1" in there) == (nvml, cuda)
        assert ("nvidia-smi" in there) == nvml


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--gpus", "device=9"), "nvidia-container-cli: device error: 9: unknown device"),
        (
            (*RUNTIME, "NVIDIA_VISIBLE_DEVICES=GPU-none"),
            "nvidia-container-cli: device error: GPU-none: unknown device",
        ),
        (("--device", "nvidia.com/gpu=9"), "unresolvable CDI devices nvidia.com/gpu=9"),
    ],
)
def test_gpu_that_is_not_there(gpuhost: Host, options: tuple[str, ...], reason: str) -> None:
    with pytest.raises(StartRefused, match=reason):
        gpuhost.container(*options)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("driver-not-loaded", "nvml error: driver not loaded"),
        ("version-mismatch", "nvml error: driver/library version mismatch"),
    ],
)
def test_hook_refuses_a_broken_driver(gpuhost: Host, fault: str, reason: str) -> None:
    gpuhost.gpusim("fault", fault)
    with pytest.raises(StartRefused, match=f"nvidia-container-cli: initialization error: {reason}"):
        gpuhost.container("--gpus", "1")


@pytest.mark.parametrize("way", ["hook, count", "runtime, indexes", "CDI"])
def test_daemon_reload(gpuhost: Host, way: str) -> None:
    options, indexes = WAYS[way]
    with gpuhost.container(*options) as container:
        assert seen_by(container) == indexes
        scope = gpuhost.shell(
            f"docker inspect --format 'docker-{{{{.Id}}}}.scope' {container.name}"
        )
        allowed = gpuhost.run("systemctl", "show", scope.strip(), "-p", "DeviceAllow").stdout
        # systemd knows the devices that runc was told of, not those that a hook let in.
        knows = way == "CDI"
        assert ("char-nvidia" in allowed or "/dev/char/195" in allowed) is knows
        gpuhost.run("systemctl", "daemon-reload")
        time.sleep(1)
        if knows:
            assert seen_by(container) == indexes
            return
        lost = container.smi("-L")
        assert (lost.returncode, lost.stdout) == (255, LOST)
        gpuhost.run("docker", "restart", "--time", "0", container.name)
        assert seen_by(container) == indexes


@pytest.mark.parametrize("way", ["hook, count", "runtime, indexes", "CDI"])
def test_cgroup_denied_and_back(gpuhost: Host, way: str) -> None:
    options, indexes = WAYS[way]
    with gpuhost.container(*options) as container, gpuhost.container(*options) as other:
        gpuhost.gpusim("fault", "cgroup-denied", "--container", container.name)
        assert container.smi("-L").stdout == LOST
        assert seen_by(other) == indexes
        gpuhost.gpusim("clear")
        assert seen_by(container) == indexes


def test_running_container_sees_faults_at_once(gpuhost: Host) -> None:
    with gpuhost.container("--gpus", "2") as container:
        gpuhost.gpusim("fault", "wrong-count", "--gpu", "0")
        assert seen_by(container) == [1]
        gpuhost.gpusim("clear")
        gpuhost.gpusim("fault", "memory-full", "--gpu", "1")
        free = container.smi("--query-gpu=memory.free", "--format=csv,noheader,nounits")
        assert free.stdout == "45677\n0\n"


def test_partial_loss(gpuhost: Host) -> None:
    with gpuhost.container("--gpus", "2") as container:
        gpuhost.run("docker", "exec", container.name, "/busybox", "rm", "/dev/nvidia1")
        assert seen_by(container) == [0]
