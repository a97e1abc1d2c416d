"""NVIDIA GPUs on the PCI bus: width, who drives them, what is between them."""

from __future__ import annotations

from pathlib import Path

from stackctl.model import Unavailable
from stackctl.model.host import NO_RIGHT, PciGpu
from stackctl.system import pci
from stackctl.system.host import tree

#: PCI: offsets and numbers of the configuration space
_STATUS, _HAS_LIST, _FIRST = 0x06, 0x10, 0x34
_EXPRESS, _DOWNSTREAM = 0x10, 6
_EXTENDED, _ACS = 0x100, 0x000D
_REDIRECTS = 0b1100  # request redirect, completion redirect
_UNKNOWN_WIDTH = 255


def gpus(root: Path = tree.ROOT) -> tuple[PciGpu, ...] | Unavailable:
    """All of them, whether a driver is bound to them or not."""
    folder = tree.below(root, "/sys/bus/pci/devices")
    if not folder.is_dir():
        return Unavailable("this system shows no PCI bus")
    return tuple(_gpu(folder / address) for address in pci.nvidia_gpus(folder))


def ports_unread(found: tuple[PciGpu, ...], root: Path = tree.ROOT) -> bool:
    """Whether bridges above the GPUs hide their settings from us: for root only."""
    for gpu in found:
        for bridge in _bridges(tree.below(root, f"/sys/bus/pci/devices/{gpu.address}")):
            raw = _config(bridge)
            if isinstance(raw, Unavailable) and raw.code == NO_RIGHT:
                return True
    return False


def _gpu(device: Path) -> PciGpu:
    group = device / "iommu_group"
    driver = device / "driver"
    return PciGpu(
        address=device.name,
        driver=driver.resolve().name if driver.exists() else "",
        width=_width(device / "current_link_width"),
        max_width=_width(device / "max_link_width"),
        iommu=tree.word(group, "type") if group.exists() else "",
        redirects=tuple(bridge.name for bridge in _bridges(device) if _redirects(bridge)),
    )


def _width(path: Path) -> int:
    lanes = tree.number(path.parent, path.name)
    return 0 if lanes == _UNKNOWN_WIDTH else lanes


def _bridges(device: Path) -> tuple[Path, ...]:
    """The bridges above a device, the nearest first: folders with a configuration of their own."""
    return tuple(p for p in device.resolve().parents if (p / "config").exists())


def _config(bridge: Path) -> bytes | Unavailable:
    """The whole configuration space; the kernel gives only 64 bytes of it to others than root."""
    try:
        raw = (bridge / "config").read_bytes()
    except OSError as error:
        return Unavailable(str(error.strerror), NO_RIGHT)
    return raw if len(raw) > _EXTENDED else Unavailable("only for root", NO_RIGHT)


def _redirects(bridge: Path) -> bool:
    raw = _config(bridge)
    return isinstance(raw, bytes) and redirects(raw)


def redirects(raw: bytes) -> bool:
    """Whether a port of a PCIe switch sends what GPUs say to each other up to the processor. Pure.

    Only ports of switches: below separate root ports that is the way they have to go anyway.
    """
    if len(raw) <= _EXTENDED or not raw[_STATUS] & _HAS_LIST:
        return False
    at, steps = raw[_FIRST] & 0xFC, 0
    while at and steps < 48 and raw[at] != _EXPRESS:
        at, steps = raw[at + 1] & 0xFC, steps + 1
    if not at or steps == 48 or raw[at + 2] >> 4 != _DOWNSTREAM:
        return False
    at, steps = _EXTENDED, 0
    while at >= _EXTENDED and at + 8 <= len(raw) and steps < 96:
        head = int.from_bytes(raw[at : at + 4], "little")
        if head & 0xFFFF == _ACS:
            return bool(raw[at + 6] & _REDIRECTS)
        at, steps = head >> 20 & 0xFFC, steps + 1
    return False
