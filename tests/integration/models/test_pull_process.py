"""`models pull` as a process: broken off, killed, twice at a time, very many files."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from stackctl.system.sha256 import RANGE
from tests.hub import FOREVER, Slow, Stall, make
from tests.integration.models.commands import Commands, wait_until

SIZE = RANGE + (8 << 20)


@pytest.fixture
def original(at: Commands) -> Path:
    path = at.folder.parent / "x.gguf"
    make.gguf(path, SIZE)
    at.hub.add("org/a", {"x.gguf": path, "config.json": b"{}"})
    return path


def begun(at: Commands, count: int = 4 << 20) -> bool:
    """Whether so many bytes are on the disk."""
    parts = at.folder / ".stackctl/parts"
    return sum(p.stat().st_blocks * 512 for p in parts.glob("*.part")) >= count


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_broken_off_and_on_with_it(at: Commands, original: Path, how: signal.Signals) -> None:
    slow = Slow(path="x.gguf", rate=8e6)
    at.hub.inject(slow)
    process = at.start("pull", "hf:org/a", "--to", "llama-cpp")
    wait_until(lambda: begun(at))
    process.send_signal(how)
    began = time.monotonic()
    out, err = process.communicate(timeout=20)
    assert time.monotonic() - began < 5
    if how is signal.SIGINT:
        assert process.returncode == 130
        assert err.count("what has arrived is kept") == 1
        assert "Traceback" not in out + err
    assert not (at.folder / "llama-cpp/x.gguf").exists()
    at.hub.faults.clear()
    at.sent()
    plan = at.good("pull", "hf:org/a", "--to", "llama-cpp", "--dry-run")
    assert "of it is here from a download that broke off" in plan.out
    at.good("pull", "hf:org/a", "--to", "llama-cpp")
    assert at.sent() < SIZE - (3 << 20)
    assert (at.folder / "llama-cpp/x.gguf").read_bytes() == original.read_bytes()
    assert "everything is here" in at.good("pull", "hf:org/a").out


def test_ctrl_c_while_nothing_comes(at: Commands, original: Path) -> None:
    """At once, though the connection is silent."""
    at.hub.inject(Stall(path="x.gguf", seconds=60, times=FOREVER))
    process = at.start("pull", "hf:org/a")
    wait_until(lambda: any("x.gguf" in line.path for line in at.hub.requests))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=5)
    assert process.returncode == 130
    assert "what has arrived is kept" in err


def test_second_pull_waits_and_says_for_whom(at: Commands, original: Path) -> None:
    at.hub.inject(Slow(path="x.gguf", rate=20e6))
    first = at.start("pull", "hf:org/a")
    wait_until(lambda: begun(at))
    second = at.run("pull", "hf:org/a")
    out, _ = first.communicate(timeout=60)
    assert first.returncode == 0, out
    assert second.code == 0, second.text
    waiting = f"hf:org/a: waiting for `stackctl models pull` (pid {first.pid}, since "
    assert second.out.count(waiting) == 1, second.text
    assert at.sent() <= SIZE + 100


def test_very_many_files(at: Commands) -> None:
    make.many(at.folder.parent / "hub/org/many", 2000)
    at.good("pull", "hf:org/many")
    began = time.monotonic()
    assert "everything is here" in at.good("pull", "hf:org/many").out
    assert time.monotonic() - began < 20
