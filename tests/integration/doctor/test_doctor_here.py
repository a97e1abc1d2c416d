"""`stackctl doctor` on this machine: simulated GPUs, real Docker. It changes nothing here."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from stackctl.checks.doctor import LOOKS
from stackctl.model import StackError
from stackctl.system.host import mending
from tests.integration.gpu_lock import healthy_gpus
from tests.integration.gpusim.simulated_host import BASE_IMAGE, command

pytestmark = pytest.mark.docker

#: what other tests that run beside these ones may be warned of, by right
_OTHERS = {"docker.logs", "docker.images", "net.exposed", "gpu.holders", "host.disk", "host.shm"}


@pytest.fixture(scope="module", autouse=True)
def gpus() -> Iterator[None]:
    """Nobody else breaks the simulated GPUs meanwhile."""
    command(sys.executable, "-m", "gpusim", "install")
    with healthy_gpus():
        yield


def doctor(*options: str) -> subprocess.CompletedProcess[str]:
    return command(sys.executable, "-m", "stackctl", "doctor", *options, check=False)


def findings() -> dict[str, list[dict[str, Any]]]:
    """By check."""
    done = doctor("--json")
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told["ok"] else 1)
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in told["findings"]:
        found.setdefault(finding["check"], []).append(finding)
    return found


@contextmanager
def fault(name: str, *options: str) -> Iterator[None]:
    command(sys.executable, "-m", "gpusim", "fault", name, *options)
    try:
        yield
    finally:
        command(sys.executable, "-m", "gpusim", "clear")


@contextmanager
def container(*options: str, image: str = BASE_IMAGE) -> Iterator[str]:
    name = f"doctor-test-{uuid.uuid4().hex[:8]}"
    try:
        command("docker", "run", "--detach", "--name", name, *options, image, "sleep", "300")
        yield name
    finally:
        command("docker", "rm", "--force", name, check=False)


def test_no_false_alarm_here() -> None:
    began = time.monotonic()
    found = findings()
    assert time.monotonic() - began < 10  # a busy machine; about one second on an idle one
    bad = {
        finding["check"]: finding
        for each in found.values()
        for finding in each
        if finding["severity"] in ("warning", "error")
    }
    assert {check: f for check, f in bad.items() if check not in _OTHERS} == {}
    assert {f["severity"] for f in bad.values()} <= {"warning"}
    known = {look.id for look in LOOKS}
    assert set(found) <= known
    # of real cards and of a module of the kernel there is nothing to tell here
    assert known - set(found) <= {
        *("driver.next-boot", "driver.uvm", "gpu.width", "bus.iommu", "bus.acs"),
        *("gpu.xid", "gpu.holders"),
    }


def test_it_says_that_the_gpus_are_simulated() -> None:
    done = doctor()
    assert done.stdout.startswith("SIMULATED GPUs: ")
    assert "simulated GPUs are on no bus" in done.stdout


@pytest.mark.parametrize(
    ("name", "options", "check", "words"),
    [
        ("driver-not-loaded", (), "gpu.driver", "Driver Not Loaded"),
        ("version-mismatch", (), "gpu.driver", "version"),
        ("gpu-lost", ("--gpu", "1"), "gpu.health", "GPU is lost"),
        ("ecc", ("--gpu", "2"), "gpu.health", "uncorrectable ECC"),
    ],
)
def test_faults(name: str, options: tuple[str, ...], check: str, words: str) -> None:
    with fault(name, *options):
        (bad,) = [f for f in findings()[check] if f["severity"] == "error"]
        assert words in bad["summary"]
        assert doctor().returncode == 1


def test_a_log_without_an_end_and_an_image_without_a_version() -> None:
    endless = ("--log-driver", "json-file")
    with container(*endless, "--label", "stackctl.engine=ollama") as name:
        (logs,) = findings()["docker.logs"]
        assert logs["severity"] == "warning"
        assert name in logs["evidence"] or "more" in logs["evidence"]
    with container("--log-opt", "max-size=1m") as name:
        for finding in findings()["docker.logs"]:
            assert name not in finding["evidence"]


def test_without_docker_and_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """The facts are gathered by nobody, in a process that was root while it was loaded."""
    code = (
        "import os, encodings.utf_8_sig\n"
        "from stackctl.commands import doctor\n"
        "doctor._look()\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "raise SystemExit(doctor.doctor(fix=True, yes=True, as_json=False))\n"
    )
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent.sock")
    monkeypatch.setenv("HOME", "/tmp")
    done = command(sys.executable, "-c", code, check=False)
    assert "Traceback" not in done.stdout
    assert "the Docker daemon is not running  [docker.daemon]" in done.stdout
    assert done.stdout.count("skipped  ") == 1
    assert "only for root: the kernel log (gpu.xid): sudo stackctl doctor" in done.stdout
    assert done.returncode == 1


def test_docker_itself_proves_a_daemon_json(tmp_path: Path) -> None:
    """dockerd reads a draft in a folder of this test; the machine's own file is not touched."""
    path = tmp_path / "daemon.json"
    prove = ("dockerd", "--validate", "--config-file")
    good = '{"log-opts": {"max-size": "50m", "max-file": "3"}}\n'
    assert mending.put(path, good, "", prove) == ""
    with pytest.raises(StackError, match="dockerd ended with 1"):
        mending.put(path, '{"no-such-option": 1}\n', good, prove)
    assert path.read_text() == good


def test_fix_changes_nothing_without_a_terminal() -> None:
    watched = [Path(folder) for folder in ("/etc/docker", "/etc/cdi")]
    before = [sorted(folder.glob("*")) for folder in watched]
    with container("--log-driver", "json-file"):
        done = doctor("--fix")
        assert "not done: no terminal to ask on" in done.stdout or "not done by stackctl" in (
            done.stdout
        )
        assert "looked again" not in done.stdout
    assert [sorted(folder.glob("*")) for folder in watched] == before
