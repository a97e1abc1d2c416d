"""Unit tests of stackctl touch nothing outside: no Docker, no network but loopback."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

_GUARDED = Path(__file__).parent / "stackctl"


@pytest.fixture(autouse=True)
def nothing_outside(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail loudly on a real docker or a real connection; tests marked `docker` may do both."""
    if _GUARDED not in request.path.parents or request.node.get_closest_marker("docker"):
        return
    start, connect = subprocess.Popen.__init__, socket.socket.connect

    def guarded_start(self: Any, args: Any, *rest: Any, **more: Any) -> None:
        program = args.split()[0] if isinstance(args, str) else str(args[0])
        if Path(program).name in ("docker", "nvidia-smi", "sudo", "systemctl"):
            pytest.fail(f"a unit test started a real {program}: {args}")
        start(self, args, *rest, **more)

    def guarded_connect(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else str(address)
        if host not in ("127.0.0.1", "::1", "localhost"):
            self.close()  # its owner will not get to it
            pytest.fail(f"a unit test connected to {address}")
        connect(self, address)

    monkeypatch.setattr(subprocess.Popen, "__init__", guarded_start)
    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    for name in ("STACKCTL_HOME", "STACKCTL_PROFILE", "COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME"):
        monkeypatch.delenv(name, raising=False)
