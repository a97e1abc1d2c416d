"""The look inside from the host and the one by exec are the same, healthy or not."""

from __future__ import annotations

import pytest

from stackctl.facts import SMI, read_smi
from stackctl.model import Container, SeenGpu, Unavailable
from stackctl.system import probe
from stackctl.system.docker import Docker
from tests.integration.stack.box import Box, gpusim

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
