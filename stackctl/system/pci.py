"""What the PCI bus and the kernel say of NVIDIA hardware, without asking the driver."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

from stackctl.model import Xid

_NVIDIA = "0x10de"
_DISPLAY_CLASS = "0x03"  # VGA (0x0300) and 3D controllers (0x0302)
_XID = re.compile(r"NVRM: Xid \((?:PCI:)?([0-9a-fA-F:.]+)\).*?: (\d+),")


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


def xids(kmsg: Path = Path("/dev/kmsg")) -> tuple[Xid, ...]:
    """Xid errors since boot. Empty when the kernel log may not be read (not root)."""
    try:
        fd = os.open(kmsg, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return ()
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    found = []
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
            if match := _XID.search(text):
                at = boot + int(head.split(",")[2]) / 1e6
                found.append(Xid(match[1], int(match[2]), text.splitlines()[0], at))
    finally:
        os.close(fd)
    return tuple(found)
