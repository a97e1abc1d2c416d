"""The small readers, on folders that play a host."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from stackctl.model import Gpu, GpuProcess, Unavailable
from stackctl.model.host import ABSENT, Firewall, Route
from stackctl.system import process
from stackctl.system.host import bus, cdi, config, holders, kernel, network, tree
from stackctl.system.process import Result


def put(root: Path, path: str, text: str = "") -> Path:
    made = root / path.lstrip("/")
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_text(text)
    return made


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """No program is run; what would have been."""
    ran: list[list[str]] = []

    def run(argv: Any, **_: Any) -> Result:
        ran.append(list(argv))
        return Result(0, "590.44.01\n", "")

    monkeypatch.setattr(process, "run", run)
    return ran


def test_an_empty_root(tmp_path: Path, quiet: list[list[str]]) -> None:
    assert kernel.kernel(tmp_path, "6.8").loaded == ""
    assert kernel.devices(tmp_path).nodes == {}
    assert isinstance(bus.gpus(tmp_path), Unavailable)
    assert cdi.specs(tmp_path) == ()
    assert cdi.toolkit(tmp_path).ctk == ""
    found = config.config(tmp_path)
    assert not isinstance(found, Unavailable)
    assert (found.text, found.flags) == ("", None)
    assert network.firewall(tmp_path) == Firewall()
    assert isinstance(network.routes(tmp_path), Unavailable)
    assert quiet == []


def test_versions_of_the_driver(tmp_path: Path, quiet: list[list[str]]) -> None:
    put(tmp_path, "/proc/driver/nvidia/version", _PROC)
    assert kernel.kernel(tmp_path, "6.8").loaded == "580.95.05"
    put(tmp_path, "/sys/module/nvidia/version", "580.95.06\n")
    put(tmp_path, "/sys/module/nvidia_uvm/refcnt")
    put(tmp_path, "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.95.05")
    put(tmp_path, "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1")
    put(tmp_path, "/lib/modules/6.8/modules.dep", "updates/dkms/nvidia.ko.zst: x\n")
    put(tmp_path, "/lib/modules/6.9/modules.dep", "kernel/nvidiafb.ko: x\n")
    put(tmp_path, "/lib/modules/6.10/modules.dep")  # without a kernel in /boot: left over
    put(tmp_path, "/boot/vmlinuz-6.8")
    put(tmp_path, "/boot/vmlinuz-6.9")
    found = kernel.kernel(tmp_path, "6.8")
    assert found.loaded == "580.95.06"
    assert found.libraries == ("580.95.05",)
    assert found.on_disk == "590.44.01"
    assert found.uvm
    assert not found.nouveau
    assert found.others == {"6.8": True, "6.9": False}


_PROC = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build\n"
    "GCC version:  gcc version 13.3.0\n"
)


def test_debian_links_to_its_driver(tmp_path: Path, quiet: list[list[str]]) -> None:
    real = put(tmp_path, "/usr/lib/x86_64-linux-gnu/nvidia/current/libnvidia-ml.so.535.183.01")
    (tmp_path / "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1").symlink_to(real)
    assert kernel.kernel(tmp_path, "6.8").libraries == ("535.183.01",)


def test_device_numbers(tmp_path: Path) -> None:
    put(tmp_path, "/proc/devices", _DEVICES)
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev/nvidia-uvm").symlink_to("/dev/null")
    (tmp_path / "dev/nvidia-caps").mkdir()
    (tmp_path / "dev/nvidia9").symlink_to("/nowhere")
    found = kernel.devices(tmp_path)
    assert found.majors == {"mem": 1, "nvidia": 195, "nvidia-uvm": 510}
    assert found.nodes == {"/dev/nvidia-uvm": (1, 3)}


_DEVICES = "Character devices:\n  1 mem\n195 nvidia\n510 nvidia-uvm\n\nBlock devices:\n  7 loop\n"


def gpu_on_bus(root: Path, address: str, bridge: bytes = b"") -> None:
    """A GPU below a bridge, as sysfs shows it."""
    device = root / "sys/devices/pci0000:00/0000:00:01.0" / address
    put(root, f"{device.relative_to(root)}/vendor", "0x10de\n")
    put(root, f"{device.relative_to(root)}/class", "0x030200\n")
    put(root, f"{device.relative_to(root)}/current_link_width", "8\n")
    put(root, f"{device.relative_to(root)}/max_link_width", "16\n")
    (device.parent / "config").write_bytes(bridge or bytes(64))
    (root / "sys/bus/pci/drivers/nvidia").mkdir(parents=True, exist_ok=True)
    (device / "driver").symlink_to(root / "sys/bus/pci/drivers/nvidia")
    put(root, "/sys/kernel/iommu_groups/12/type", "DMA-FQ\n")
    (device / "iommu_group").symlink_to(root / "sys/kernel/iommu_groups/12")
    listed = root / "sys/bus/pci/devices" / address
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.symlink_to(device)


def bridge(kind: int = 6, control: int = 0x1D) -> bytes:
    """The configuration space of a port: the list of abilities, ACS behind AER."""
    raw = bytearray(4096)
    raw[0x06], raw[0x34] = 0x10, 0x40
    raw[0x40:0x43] = bytes([0x05, 0x60, 0x00])
    raw[0x60:0x63] = bytes([0x10, 0x00, kind << 4 | 2])
    raw[0x100:0x104] = (0x0001 | 1 << 16 | 0x148 << 20).to_bytes(4, "little")
    raw[0x148:0x14C] = (0x000D | 1 << 16).to_bytes(4, "little")
    raw[0x14E] = control
    return bytes(raw)


def test_a_gpu_on_the_bus(tmp_path: Path) -> None:
    gpu_on_bus(tmp_path, "0000:1a:00.0", bridge())
    found = bus.gpus(tmp_path)
    assert not isinstance(found, Unavailable)
    (card,) = found
    assert (card.address, card.driver, card.width, card.max_width) == (
        "0000:1a:00.0",
        "nvidia",
        8,
        16,
    )
    assert card.iommu == "DMA-FQ"
    assert card.redirects == ("0000:00:01.0",)
    assert not bus.ports_unread(found, tmp_path)


def test_what_the_kernel_hides_from_others_than_root(tmp_path: Path) -> None:
    gpu_on_bus(tmp_path, "0000:1a:00.0")
    found = bus.gpus(tmp_path)
    assert not isinstance(found, Unavailable)
    assert found[0].redirects == ()
    assert bus.ports_unread(found, tmp_path)


@pytest.mark.parametrize(
    ("raw", "redirected"),
    [
        (bridge(), True),
        (bridge(kind=4), False),  # a root port: traffic has to go there anyway
        (bridge(control=0x11), False),
        (bytes(4096), False),
        (b"\xff" * 4096, False),
        (b"", False),
        (bridge()[:0x140], False),
    ],
)
def test_acs(raw: bytes, redirected: bool) -> None:
    assert bus.redirects(raw) is redirected


def test_lists_that_bite_their_tail_end() -> None:
    raw = bytearray(bridge())
    raw[0x41] = 0x40
    assert not bus.redirects(bytes(raw))
    raw = bytearray(bridge())
    raw[0x100:0x104] = (0x0001 | 1 << 16 | 0x100 << 20).to_bytes(4, "little")
    assert not bus.redirects(bytes(raw))


SPEC = """
cdiVersion: 0.5.0
kind: nvidia.com/gpu
devices:
- name: "0"
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
    - path: /dev/dri/card1
- name: all
  containerEdits: {}
containerEdits:
  deviceNodes:
  - {path: /dev/nvidia-uvm, major: 234, minor: 0}
  - path: /dev/nvidiactl
  hooks:
  - {hookName: createContainer, path: /usr/bin/nvidia-cdi-hook}
  mounts:
  - {hostPath: /usr/lib/libcuda.so.570.133.20, containerPath: /x}
  - {hostPath: /lib/firmware/nvidia/570.133.20/gsp_ga10x.bin, containerPath: /y}
"""


def test_a_cdi_file(tmp_path: Path) -> None:
    put(tmp_path, "/etc/cdi/nvidia.yaml", SPEC)
    put(tmp_path, "/etc/cdi/README", "no spec")
    put(tmp_path, "/etc/cdi/other.yaml", "kind: vendor.com/net\ndevices: []\n")
    for there in ("/dev/nvidia0", "/dev/nvidiactl", "/usr/bin/nvidia-cdi-hook"):
        put(tmp_path, there)
    put(tmp_path, "/usr/lib/libcuda.so.570.133.20")
    (spec,) = cdi.specs(tmp_path)
    assert not isinstance(spec, Unavailable)
    assert spec.devices == ("0", "all")
    assert spec.versions == ("570.133.20",)
    assert spec.majors == {"/dev/nvidia-uvm": 234}
    assert spec.missing == ("/lib/firmware/nvidia/570.133.20/gsp_ga10x.bin", "/dev/dri/card1")


@pytest.mark.parametrize(
    "text", ["kind: [nvidia", "", "- nvidia", "kind: nvidia.com/gpu\ndevices: [7]", "\0"]
)
def test_a_broken_cdi_file(tmp_path: Path, text: str) -> None:
    put(tmp_path, "/var/run/cdi/nvidia.yaml", text)
    (spec,) = cdi.specs(tmp_path)
    assert isinstance(spec, Unavailable)
    assert "/var/run/cdi/nvidia.yaml" in spec.reason


def test_units(tmp_path: Path) -> None:
    put(tmp_path, "/usr/lib/systemd/system/nvidia-persistenced.service")
    assert not cdi.toolkit(tmp_path).persistenced
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert cdi.toolkit(tmp_path).persistenced
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    (tmp_path / "etc/systemd/system/nvidia-persistenced.service").symlink_to("/dev/null")
    assert not cdi.toolkit(tmp_path).persistenced


def test_routes() -> None:
    table = (
        "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
        "eth0 00000000 0101A8C0 0003 0 0 0 00000000 0 0 0\n"
        "eth0 0001A8C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n"
        "tun0 0000120A 00000000 0200 0 0 0 0000FFFF 0 0 0\n"
        "wg0 0104120A 00000000 0005 0 0 0 FFFFFFFF 0 0 0\n"
    )
    assert network.read_routes(table) == (
        Route("192.168.1.0/24", "eth0"),
        Route("10.18.4.1/32", "wg0"),
    )


RULES = """
### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in
-A ufw-user-input -p tcp --dport 22 -j ACCEPT
### tuple ### limit any 8000:8010 0.0.0.0/0 any 0.0.0.0/0 in comment=61
### tuple ### allow tcp 80,443 0.0.0.0/0 any 0.0.0.0/0 Nginx%20Full - in
### tuple ### allow tcp 9000 0.0.0.0/0 any 192.168.1.0/24 in
### tuple ### allow udp 53 0.0.0.0/0 any 0.0.0.0/0 in
### tuple ### deny tcp 23 0.0.0.0/0 any 0.0.0.0/0 in
"""


def test_ufw(tmp_path: Path) -> None:
    put(tmp_path, "/etc/ufw/ufw.conf", "# x\nENABLED=yes\nLOGLEVEL=low\n")
    put(tmp_path, "/etc/default/ufw", 'IPV6=yes\nDEFAULT_INPUT_POLICY="DROP"\n')
    put(tmp_path, "/etc/ufw/user.rules", RULES)
    wall = network.firewall(tmp_path)
    assert wall == Firewall(True, True, ("22", "8000:8010", "80,443"))
    put(tmp_path, "/etc/ufw/after.rules", ":DOCKER-USER - [0:0]\n")
    wall = network.firewall(tmp_path)
    assert isinstance(wall, Firewall)
    assert wall.guards_docker
    put(tmp_path, "/etc/ufw/ufw.conf", "ENABLED=no\n")
    assert network.firewall(tmp_path) == Firewall()


def test_the_daemons_flags(tmp_path: Path) -> None:
    put(tmp_path, "/run/docker.pid", "42")
    assert config.flags(tmp_path) is None
    put(tmp_path, "/proc/42/cmdline", "/usr/bin/dockerd\0-H\0fd://\0")
    assert config.flags(tmp_path) == ("-H", "fd://")
    put(tmp_path, "/proc/42/cmdline", "/bin/sleep\0")
    assert config.flags(tmp_path) is None


def test_who_holds_gpu_memory(tmp_path: Path) -> None:
    inside = "ab" * 32
    put(tmp_path, "/proc/7/comm", "ollama\n")
    put(tmp_path, "/proc/7/cgroup", "0::/system.slice/ollama.service\n")
    put(tmp_path, "/proc/7/stat", "7 (a b) c) S 1 7 7\n")
    put(tmp_path, "/proc/8/cgroup", "0::/user.slice/user-1000.slice/user@1000.service/app\n")
    put(tmp_path, "/proc/8/stat", "8 (python) S 900 7 7\n")
    rows = (GpuProcess(7, 900), GpuProcess(8, 10), GpuProcess(9, 5, inside), GpuProcess(10, 1))
    gpu = Gpu(2, processes=rows)
    found = holders.holders((gpu,), (inside,), tmp_path)
    assert [(h.pid, h.name, h.unit, h.orphan) for h in found] == [
        (7, "ollama", "ollama.service", True),
        (8, "", "", False),
        (10, "", "", False),
    ]
    assert found[0].user
    assert found[2].user == ""
    assert [h.foreign for h in holders.holders((gpu,), (), tmp_path)] == ["", "", inside, ""]
    assert len(holders.holders((gpu,), None, tmp_path)) == 3


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    found = tree.text(tmp_path, "/x")
    assert isinstance(found, Unavailable)
    assert "root" in found.reason
    assert found.code != ABSENT


def test_root_is_told() -> None:
    assert holders.is_root() is (os.geteuid() == 0)
