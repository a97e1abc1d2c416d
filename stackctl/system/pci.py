"""What the PCI bus and the kernel say of NVIDIA hardware, without asking the driver."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from stackctl.catalogue import KERNEL, first, xid
from stackctl.catalogue.match import needles
from stackctl.model import KernelLine, Xid

_NVIDIA = "0x10de"
_DISPLAY_CLASS = "0x03"  # VGA (0x0300) and 3D controllers (0x0302)
_XID = re.compile(r"NVRM: Xid \((?:PCI:)?([0-9a-fA-F:.]+)\).*?: (\d+),")
_KMSG = Path("/dev/kmsg")
_STAMP = 2  # place of the microseconds since boot before a record
_OTHERS = tuple(failure for failure in KERNEL if failure not in xid.FAILURES)
_MARKS = frozenset(mark for failure in _OTHERS for mark in needles(failure.pattern))


def nvidia_gpus(root: Path = Path("/sys/bus/pci/devices")) -> tuple[str, ...]:
    """PCI addresses of NVIDIA GPUs, whether a driver is bound to them or not."""
    found = []
    for device in sorted(root.glob("*")):
        try:
            vendor = (device / "vendor").read_text().strip()
            kind = (device / "class").read_text().strip()
        except OSError:
            continue
        if vendor == _NVIDIA and kind.startswith(_DISPLAY_CLASS):
            found.append(device.name)
    return tuple(found)


def xids(kmsg: Path = _KMSG) -> tuple[Xid, ...]:
    """Xid errors since boot. Empty when the kernel log may not be read (not root)."""
    return troubles(kmsg)[0]


def troubles(kmsg: Path = _KMSG) -> tuple[tuple[Xid, ...], tuple[KernelLine, ...]]:
    """Xid errors since boot, and whatever else of the kernel log the catalogue knows."""
    found: list[Xid] = []
    others: list[KernelLine] = []
    for at, text in _records(kmsg):
        if match := _XID.search(text):
            found.append(Xid(match[1], int(match[2]), text, at))
        # most lines have none of the words: a kernel log has ten thousand
        elif any(mark in text for mark in _MARKS) and first(text, _OTHERS):
            others.append(KernelLine(text, at))
    return tuple(found), tuple(others)


def _records(kmsg: Path) -> Iterator[tuple[float, str]]:
    """When each line of the kernel log was written, and the line."""
    try:
        fd = os.open(kmsg, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    try:
        while True:
            try:
                record = os.read(fd, 8192).decode("utf-8", "replace")
            except BrokenPipeError:
                continue  # the record was overwritten while we read; the next one is whole
            except OSError:
                break
            if not record:
                break
            head, _, text = record.partition(";")
            stamp = head.split(",")
            if text and len(stamp) > _STAMP and stamp[_STAMP].isdecimal():
                yield boot + int(stamp[_STAMP]) / 1e6, text.splitlines()[0]
    finally:
        os.close(fd)
