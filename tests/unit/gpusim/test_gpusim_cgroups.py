"""Which cgroup holds a container's device rules, and which rules are taken off and put back."""

from pathlib import Path

import pytest

from gpusim.cgroups import DeviceCgroup, deny, device_cgroup, granted_rules, restore
from gpusim.errors import GpusimError

V1 = "3:cpu:/docker/abc\n5:devices:/docker/abc\n0::/docker/abc\n"
V2 = "0::/system.slice/docker-abc.scope\n"


def fake_proc(folder: Path, text: str) -> Path:
    (folder / "7").mkdir()
    (folder / "7" / "cgroup").write_text(text)
    return folder


def test_hybrid_host_has_its_rules_in_v1(tmp_path: Path) -> None:
    found = device_cgroup(7, root=tmp_path / "cgroup", proc=fake_proc(tmp_path, V1))
    assert found == DeviceCgroup(1, tmp_path / "cgroup/devices/docker/abc")


def test_pure_v2_host(tmp_path: Path) -> None:
    root = tmp_path / "cgroup"
    root.mkdir()
    (root / "cgroup.controllers").touch()
    found = device_cgroup(7, root=root, proc=fake_proc(tmp_path, V2))
    assert found == DeviceCgroup(2, root / "system.slice/docker-abc.scope")


def test_no_device_cgroup(tmp_path: Path) -> None:
    with pytest.raises(GpusimError, match="in no device cgroup"):
        device_cgroup(7, root=tmp_path / "cgroup", proc=fake_proc(tmp_path, "3:cpu:/x\n"))


def test_process_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(GpusimError, match="process 7 is gone"):
        device_cgroup(7, root=tmp_path, proc=tmp_path)


def test_granted_rules() -> None:
    listed = "c *:* m\nc 1:3 rwm\nc 195:255 rw\nc 195:2 rw\nc 19:5 rw\nb 195:1 rw\n"
    assert granted_rules(listed, 4) == ["c 195:255 rw", "c 195:2 rw"]


def test_privileged_container_is_granted_everything() -> None:
    assert granted_rules("a *:* rwm\n", 2) == ["c 195:255 rw", "c 195:0 rw", "c 195:1 rw"]


def test_deny_and_restore_in_v1(tmp_path: Path) -> None:
    (tmp_path / "devices.list").write_text("c 195:3 rw\n")
    values = deny(DeviceCgroup(1, tmp_path), 4)
    assert (tmp_path / "devices.deny").read_text() == "c 195:3 rw"
    assert restore(values)
    assert (tmp_path / "devices.allow").read_text() == "c 195:3 rw"


def test_container_without_gpu_cannot_lose_one(tmp_path: Path) -> None:
    (tmp_path / "devices.list").write_text("c 1:3 rwm\n")
    with pytest.raises(GpusimError, match="no NVIDIA device to deny"):
        deny(DeviceCgroup(1, tmp_path), 4)


def test_restore_after_the_container_has_gone(tmp_path: Path) -> None:
    assert not restore({"version": 1, "path": str(tmp_path / "gone"), "rules": ["c 195:3 rw"]})
