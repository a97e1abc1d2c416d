"""Hosts to try things on, and a lock for what all users of this machine's simulated GPUs see."""

import sys
from collections.abc import Iterator

import pytest

from tests.integration.gpu_lock import healthy_gpus
from tests.integration.gpusim.simulated_host import Host, bare_host, command


@pytest.fixture(scope="session")
def installed_gpus() -> None:
    """Simulated GPUs on this machine; they stay, as other runs may be using them."""
    command(sys.executable, "-m", "gpusim", "install")


@pytest.fixture
def faults_lock(installed_gpus: None) -> Iterator[None]:
    """Alone with this machine's GPUs, which are healthy before and after."""
    with healthy_gpus():
        yield


@pytest.fixture
def fresh_host(host_image: None) -> Iterator[Host]:
    with bare_host() as host:
        yield host
