"""systemd's device rules of containers, as they lie in /run/systemd/transient."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackctl.model import Unavailable
from stackctl.model.host import Rules
from stackctl.system.host import scopes

MAJORS = {"nvidia": 195, "nvidia-uvm": 510, "pts": 136}
NODES = {"/dev/nvidia0": (195, 0), "/dev/nvidiactl": (195, 255)}
HEAD = "# a drop-in unit file\n[Scope]\nDeviceAllow=\n"
TAIL = "DeviceAllow=char-136 rwm\nDeviceAllow=/dev/char/1:3 rwm\nDeviceAllow=char-* m\n"


def rules(text: str) -> Rules | Unavailable:
    return scopes.parse(["[Scope]\nDevicePolicy=strict\n", HEAD + text], MAJORS, NODES)


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("DeviceAllow=/dev/char/195:0 rwm\n", "195:0"),
        ("DeviceAllow=/dev/nvidiactl rw\n", "195:255"),
        ("DeviceAllow=char-nvidia rw\n", "195:*"),
        ("DeviceAllow=char-195 rw\n", "195:*"),
        ("DeviceAllow=char-* rwm\n", "*:*"),
        ("DeviceAllow=/dev/nvidia0\n", "195:0"),
    ],
)
def test_forms_of_a_rule(line: str, allowed: str) -> None:
    found = rules(line + TAIL)
    assert isinstance(found, Rules)
    assert found.allowed == (allowed, "136:*", "1:3")
    assert not found.everything


@pytest.mark.parametrize("line", ["", "DeviceAllow=/dev/char/195:0 m\n", "DeviceAllow=char-x rw\n"])
def test_what_allows_no_gpu(line: str) -> None:
    assert rules(line + TAIL) == Rules(allowed=("136:*", "1:3"))


def test_what_was_said_before_is_forgotten() -> None:
    old = "[Scope]\nDeviceAllow=/dev/nvidia0 rw\n"
    assert scopes.parse([old, HEAD + TAIL], MAJORS, NODES) == Rules(allowed=("136:*", "1:3"))


def test_a_privileged_container_and_one_without_rules() -> None:
    text = "[Scope]\nDevicePolicy=auto\nDeviceAllow=\n"
    assert scopes.parse([text], MAJORS, NODES) == Rules(everything=True)
    assert isinstance(scopes.parse(["[Scope]\nPids=1\n"], MAJORS, NODES), Unavailable)
    assert scopes.parse(["DevicePolicy=strict\n"], MAJORS, NODES) == Rules()


def test_from_the_files(tmp_path: Path) -> None:
    container = "c" * 64
    assert isinstance(scopes.rules(container, MAJORS, NODES, tmp_path), Unavailable)
    folder = tmp_path / f"run/systemd/transient/docker-{container}.scope.d"
    folder.mkdir(parents=True)
    (folder / "50-DeviceAllow.conf").write_text(HEAD + "DeviceAllow=/dev/char/195:1 rw\n")
    (folder / "50-DevicePolicy.conf").write_text("[Scope]\nDevicePolicy=strict\n")
    assert scopes.rules(container, MAJORS, NODES, tmp_path) == Rules(allowed=("195:1",))
