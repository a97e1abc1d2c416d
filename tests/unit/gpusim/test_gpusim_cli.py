"""The commands: what they print, and that bad input ends in one clear line."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gpusim.faults import KINDS
from tests.unit.gpusim.simulated_box import Box

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path, 2)


@pytest.fixture
def run(box: Box) -> Run:
    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gpusim", *arguments],
            env={**os.environ, **box.environment()},
            capture_output=True,
            text=True,
            timeout=30,
        )

    return command


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fault", "nonsense"], "unknown fault 'nonsense'; there are: cgroup-denied, gpu-lost"),
        (["fault", "gpu-lost"], "say which with --gpu N (0 to 1)"),
        (["fault", "gpu-lost", "--gpu", "2"], "there is no GPU 2: this box has 0 to 1"),
        (["fault", "gpu-lost", "--gpu", "-1"], "there is no GPU -1"),
        (["fault", "gpu-lost", "--gpu", "0", "--container", "x"], "it takes no --container"),
        (["fault", "driver-not-loaded", "--gpu", "0"], "it takes no --gpu"),
        (["fault", "cgroup-denied"], "say which with --container NAME"),
        (["fault", "hung-driver", "--seconds", "0"], "--seconds is for hung-driver"),
        (["fault", "gpu-lost", "--gpu", "0", "--seconds", "3"], "--seconds is for hung-driver"),
        (["fault", "xid", "--gpu", "0", "--xid", "0"], "--xid is for the fault xid"),
        (["clear", "nonsense"], "unknown fault 'nonsense'"),
        (["install", "--gpus", "99"], "--gpus must be from 1 to 16"),
    ],
)
def test_bad_input(run: Run, box: Box, arguments: list[str], words: str) -> None:
    before = box.state_file.read_bytes()
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stderr.startswith("gpusim: ")
    assert words in result.stderr
    assert result.stderr.count("\n") == 1
    assert box.state_file.read_bytes() == before


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["fault"], ["fault", "xid", "--gpu", "x"]])
def test_usage(run: Run, arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert "usage: python -m gpusim" in result.stderr


@pytest.mark.parametrize("arguments", [["fault", "driver-not-loaded"], ["clear"], ["watch"]])
def test_nothing_installed(run: Run, box: Box, arguments: list[str]) -> None:
    box.state_file.unlink()
    result = run(*arguments)
    assert result.returncode == 1
    assert result.stderr.startswith("gpusim: no simulated GPUs here")
    assert result.stderr.count("\n") == 1


def test_faults_are_set_listed_and_cleared(run: Run, box: Box) -> None:
    healthy = box.state_file.read_text()
    assert run("fault", "gpu-lost", "--gpu", "1").stdout == "set gpu-lost on GPU 1\n"
    assert run("fault", "hung-driver", "--seconds", "2").stdout == "set hung-driver\n"
    listed = run("faults").stdout.splitlines()
    assert [line.split()[1] for line in listed if line.startswith("*")] == [
        "gpu-lost",
        "hung-driver",
    ]
    assert "    set: gpu-lost on GPU 1" in listed
    assert sum(name in line for name in KINDS for line in listed if line[:2] in ("* ", "  ")) >= 10
    assert run("clear", "--gpu", "0").stdout == "nothing to clear\n"
    assert run("clear", "gpu-lost", "--gpu", "1").stdout == "cleared gpu-lost on GPU 1\n"
    assert "init_delay_ms=2000" in box.state_file.read_text()
    assert run("clear").stdout == "cleared hung-driver\n"
    assert run("clear").stdout == "nothing to clear\n"
    assert box.state_file.read_text() == healthy


def test_status(run: Run, box: Box) -> None:
    run("fault", "ecc", "--gpu", "0")
    result = run("status", "--json")
    status = json.loads(result.stdout)
    assert [gpu["name"] for gpu in status["gpus"]] == ["Quadro RTX 8000 [simulated]"] * 2
    assert status["faults"] == ["ecc on GPU 0"]
    # There is a state, but nobody keeps it true.
    assert (status["ready"], status["watcher_pid"], result.returncode) == (False, None, 1)
    assert "fault: ecc on GPU 0" in run("status").stdout.splitlines()
