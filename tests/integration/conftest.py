"""A host with simulated GPUs of its own, for all folders that want one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gpusim.build import build
from tests.integration.gpusim.simulated_host import Host, build_host_image, gpu_host


@pytest.fixture(scope="session")
def host_image() -> None:
    build()  # there is no compiler in the image
    build_host_image()


@pytest.fixture(scope="session")
def shared_gpu_host(host_image: None) -> Iterator[Host]:
    with gpu_host() as host:
        yield host


@pytest.fixture
def gpuhost(shared_gpu_host: Host) -> Iterator[Host]:
    """A host with its own daemon and GPUs, healthy at the start of every test."""
    try:
        yield shared_gpu_host
    finally:
        shared_gpu_host.gpusim("clear")
