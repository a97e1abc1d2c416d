"""The guard of tests/unit/conftest.py, without which a forgotten fake would go unnoticed."""

from __future__ import annotations

import socket
import subprocess

import pytest

from stackctl import facts
from stackctl.system.docker import Docker


def test_no_real_docker() -> None:
    with pytest.raises(pytest.fail.Exception, match="started a real docker"):
        subprocess.run(["docker", "ps"], check=False)
    with pytest.raises(pytest.fail.Exception, match="started a real docker"):
        facts.compose_version()


def test_no_real_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as client, pytest.raises(pytest.fail.Exception, match="connected to"):
        client.connect(("192.0.2.1", 80))
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    with pytest.raises(pytest.fail.Exception, match="connected to"):
        Docker().daemon()
