"""Hosts to try things on, and a lock for what all users of this machine's simulated GPUs see."""

import sys
from collections.abc import Iterator

import pytest

from gpusim.build import build
from tests.integration.gpu_lock import healthy_gpus
from tests.integration.gpusim.simulated_host import (
    Host,
    bare_host,
    build_host_image,
    command,
    gpu_host,
)


@pytest.fixture(scope="session")
def installed_gpus() -> None:
    """Simulated GPUs on this machine; they stay, as other runs may be using them."""
    command(sys.executable, "-m", "gpusim", "install")


@pytest.fixture
def faults_lock(installed_gpus: None) -> Iterator[None]:
    """Alone with this machine's GPUs, which are healthy before and after."""
    with healthy_gpus():
        yield


@pytest.fixture(scope="session")
def host_image() -> None:
    build()  # there is no compiler in the image
    build_host_image()


@pytest.fixture
def fresh_host(host_image: None) -> Iterator[Host]:
    with bare_host() as host:
        yield host


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
