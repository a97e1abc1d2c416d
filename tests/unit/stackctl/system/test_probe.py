"""When the look from the host may be taken, and when an exec has to do."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from stackctl.model import Container
from stackctl.system import probe

HERE = Container(id="0" * 64, name="c", project="p", state="running", pid=os.getpid())


def test_a_process_that_is_not_of_the_container_is_not_joined() -> None:
    """In a container of our own the daemon's process numbers mean other processes."""
    assert probe.run(HERE, ["true"], 5) is None


def test_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert probe.run(replace(HERE, pid=0), ["true"], 5) is None
    assert probe.run(replace(HERE, pid=2**22 + 1), ["true"], 5) is None


def test_not_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert probe.run(replace(HERE, id=""), ["true"], 5) is None
