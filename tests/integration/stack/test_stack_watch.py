"""`stackctl watch install` on a host with systemd, beside a container that got its GPU by the hook:
a daemon-reload would take it away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dotenv
import pytest

from tests.integration.gpusim.simulated_host import (
    REPOSITORY,
    Host,
    build_host_image,
    command,
    gpu_host,
)

pytestmark = [pytest.mark.docker, pytest.mark.stack]

#: in the place of the program that the timer starts
PROGRAM = '#!/bin/sh\necho "$STACKCTL_HOME $*" >>/ran\nexit 1\n'
#: what `watch` needs, and nothing else: the host has no packages of Python
PARTS = ("stackctl", "compose", "env")


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    build_host_image()
    with gpu_host() as made:
        made.run("mkdir", "/clone", "/packages")
        for part in PARTS:
            command("docker", "cp", "--quiet", str(REPOSITORY / part), f"{made.name}:/clone/")
        package = str(Path(dotenv.__file__).parent)
        command("docker", "cp", "--quiet", package, f"{made.name}:/packages/")
        made.run("sh", "-c", 'printf %s "$1" >/usr/bin/stackctl', "sh", PROGRAM)
        made.run("chmod", "755", "/usr/bin/stackctl")
        yield made


def watch(host: Host, verb: str) -> str:
    where = "cd /clone && PYTHONPATH=/clone:/packages python3 -m stackctl"
    return host.shell(f"{where} watch {verb} 2>&1")


def show(host: Host, unit: str, name: str) -> str:
    return host.run("systemctl", "show", unit, "-p", name, "--value").stdout.strip()


def test_install_run_and_remove(host: Host) -> None:
    with host.container("--gpus", "1") as container:
        assert "every minute" in watch(host, "install")
        for timer in ("stackctl-watch.timer", "stackctl-weights.timer"):
            assert show(host, timer, "ActiveState") == "active"
            assert show(host, timer, "UnitFileState") == "enabled"
            assert show(host, timer, "NeedDaemonReload") == "no"
        host.wait_for("test", "-s", "/ran", seconds=75)
        ran = host.run("cat", "/ran").stdout.splitlines()
        assert ran[0] == "/clone verify --heal --record --quiet"
        # a problem of the box is none of the unit
        assert show(host, "stackctl-watch.service", "Result") == "success"
        assert show(host, "stackctl-weights.service", "IOSchedulingClass") == "3"
        # a change of the units is taken over without a reload as well
        host.shell("sed -i 's/AccuracySec=5s/AccuracySec=7s/' /etc/systemd/system/stackctl-*.timer")
        said = watch(host, "install")
        assert "there already" not in said
        assert show(host, "stackctl-watch.timer", "AccuracyUSec") == "5s"
        assert "there already" in watch(host, "install")
        assert "removed" in watch(host, "remove")
        assert show(host, "stackctl-watch.timer", "ActiveState") == "inactive"
        left = host.shell("find /etc/systemd /etc/cron.d -name '*stackctl*'", check=False)
        assert "stackctl" not in left.replace("/etc/cron.d", "")
        smi = container.smi("-L")
        assert smi.returncode == 0, smi.stdout
