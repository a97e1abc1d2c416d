"""A clone without containers, whose host has known names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stackctl import cli
from stackctl.commands.gateway import apply
from stackctl.system.certificates import names
from stackctl.system.certificates.store import Store

BOX = ("box", "box.local", "localhost", "127.0.0.1", "::1", "192.168.1.10")
#: command line -> exit code; raises StackError
Stackctl = Callable[..., int]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    (tmp_path / "compose").mkdir()
    (tmp_path / "compose" / "compose.yaml").touch()
    monkeypatch.setenv("STACKCTL_HOME", str(tmp_path))
    monkeypatch.setattr(apply, "found", lambda *_: None)
    monkeypatch.setattr(names, "of_this_box", lambda: BOX)
    owner = tmp_path.stat()
    return Store(tmp_path / ".stackctl", owner.st_uid or 99, owner.st_gid or 99)


@pytest.fixture
def stackctl(store: Store) -> Stackctl:
    return lambda *words: cli.run(["tls", *map(str, words)])
