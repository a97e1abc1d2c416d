"""The look inside from the host and the one by exec are the same, healthy or not."""

from __future__ import annotations

import errno
import json
import time
from pathlib import Path

import pytest

from gpusim.hardware import gpu_uuid
from stackctl.facts import SMI, read_smi
from stackctl.model import Container, Cuda, SeenGpu, Unavailable
from stackctl.system import cuda, inspect, probe
from stackctl.system.docker import Docker
from tests.integration.stack.box import Box, docker, gpusim

pytestmark = [pytest.mark.docker, pytest.mark.stack]


def container(box: Box, role: str) -> Container:
    name = box.container(role)
    return next(c for _, c in Docker().services() if c.name == name)


def both(of: Container) -> tuple[tuple[int, str], tuple[int, str]]:
    from_host = probe.run(of, SMI, 10)
    assert from_host is not None
    return from_host, Docker().execute(of.id, SMI)


def test_healthy(stack: Box) -> None:
    for role, gpus in (("main", 2), ("coder", 1), ("audio", 1), ("image", 1)):
        from_host, by_exec = both(container(stack, role))
        assert from_host == by_exec
        seen = read_smi(*from_host)
        assert isinstance(seen, tuple)
        assert len(seen) == gpus
        assert all(isinstance(gpu, SeenGpu) for gpu in seen)


def test_device_rules_are_joined(stack: Box) -> None:
    """The namespace alone would show a healthy GPU here."""
    broken = container(stack, "coder")
    gpusim("fault", "cgroup-denied", "--container", broken.name)
    from_host, by_exec = both(broken)
    assert from_host == by_exec
    assert read_smi(*from_host) == Unavailable(
        "Failed to initialize NVML: Unknown Error", f"smi:{from_host[0]}"
    )
    # the neighbour is another cgroup
    assert isinstance(read_smi(*both(container(stack, "main"))[0]), tuple)


@pytest.mark.parametrize("fault", ["version-mismatch", "driver-not-loaded"])
def test_broken_driver(stack: Box, fault: str) -> None:
    coder = container(stack, "coder")
    gpusim("fault", fault)
    from_host, by_exec = both(coder)
    assert from_host == by_exec
    assert isinstance(read_smi(*from_host), Unavailable)


def test_hung_driver_ends_in_time_and_leaves_nothing(stack: Box) -> None:
    coder = container(stack, "coder")
    gpusim("fault", "hung-driver", "--seconds", "20")
    answer = probe.run(coder, SMI, 1)
    assert answer is not None
    seen = read_smi(*answer)
    assert isinstance(seen, Unavailable)
    assert seen.code == "hung"


def test_a_program_that_is_not_there_is_left_to_exec(stack: Box) -> None:
    assert probe.run(container(stack, "coder"), ["no-such-program"], 10) is None


#: a role whose image has a Python, so that an exec can be asked too
WITH_PYTHON = "image"


def computes(of: Container) -> Cuda:
    from_host = cuda.from_host(of, 10)
    assert from_host is not None
    seen = cuda.read(*from_host)
    assert isinstance(seen, Cuda)
    return seen


def test_cuda_sees_the_gpus_of_its_container(stack: Box) -> None:
    for role, gpus in (("main", (0, 1)), ("coder", (3,)), ("audio", (2,)), ("image", (2,))):
        seen = computes(container(stack, role))
        assert seen.devices == tuple(gpu_uuid(index)[4:] for index in gpus)
        names = [node.path for node in seen.nodes]
        assert names == [*(f"/dev/nvidia{index}" for index in gpus), "/dev/nvidiactl"]


@pytest.mark.parametrize("fault", ["", "cuda-999", "version-mismatch", "cgroup-denied"])
def test_cuda_from_the_host_and_by_exec_agree(stack: Box, fault: str) -> None:
    of = container(stack, WITH_PYTHON)
    if fault:
        where = ("--container", of.name) if fault == "cgroup-denied" else ()
        gpusim("fault", fault, *where)
    assert cuda.from_host(of, 10) == cuda.by_exec(Docker(), of)


def test_an_image_without_python_is_not_asked_by_exec(stack: Box) -> None:
    said = cuda.read(*cuda.by_exec(Docker(), container(stack, "coder")))
    assert isinstance(said, Unavailable)
    assert said.code == "python"


def test_nvml_without_cuda(stack: Box) -> None:
    gpusim("fault", "cuda-999")
    verdict = stack.verify()
    roles = ("main", "coder", "audio", "image")
    assert verdict.problems == {("gpu.cuda", "error", role) for role in roles}
    finding = verdict.get("gpu.cuda", "coder")
    assert finding["values"]["code"] == "cuda:999"
    assert "nvidia-ctk cdi generate" in finding["fix"]


def test_denied_nodes_are_named(stack: Box) -> None:
    broken = container(stack, "coder")
    gpusim("fault", "cgroup-denied", "--container", broken.name)
    seen = computes(broken)
    assert [(node.path, node.error) for node in seen.nodes] == [
        ("/dev/nvidia3", errno.EPERM),
        ("/dev/nvidiactl", errno.EPERM),
    ]
    assert isinstance(seen.devices, Unavailable)
    assert seen.devices.code == "cuda:100"


def test_hung_cuda_ends_in_time_and_leaves_nothing(stack: Box) -> None:
    coder = container(stack, "coder")
    gpusim("fault", "hung-driver", "--seconds", "20")
    before = set(Path("/proc").glob("[0-9]*"))
    answer = cuda.from_host(coder, 1)
    assert answer is not None
    seen = cuda.read(*answer)
    assert isinstance(seen, Cuda)
    assert seen.devices == Unavailable("CUDA did not end in time", "hung")
    assert [node.path for node in seen.nodes] == ["/dev/nvidia3", "/dev/nvidiactl"]
    time.sleep(0.2)
    left = [p for p in set(Path("/proc").glob("[0-9]*")) - before if b"cuda_inside" in command(p)]
    assert not left


def command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_with_the_rights_and_the_mask_of_the_container(gpus: None) -> None:
    """The host's root could open what this container cannot."""
    rights = ("--user", "1000", "--cap-drop", "ALL", "--network", "none")
    asked = ("--device", "nvidia.com/gpu=1", "--env", "CUDA_VISIBLE_DEVICES=0")
    identity = docker("run", "--detach", *rights, *asked, "debian:forky-slim", "sleep", "60")
    try:
        raw = json.loads(docker("inspect", identity.strip()))[0]
        seen = computes(inspect.container(raw, 0))
        assert (seen.devices, seen.mask) == ((gpu_uuid(1)[4:],), "0")
        docker("exec", "--user", "0", "--privileged", raw["Id"], "chmod", "600", "/dev/nvidia1")
        seen = computes(inspect.container(raw, 0))
        assert [node.error for node in seen.nodes] == [errno.EACCES, errno.ENXIO]
        assert isinstance(seen.devices, Unavailable)
    finally:
        docker("rm", "--force", identity.strip())
