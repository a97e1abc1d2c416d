"""Refuses to simulate where something real is."""

import json
import os
from collections.abc import Collection
from pathlib import Path

from gpusim.cdi import KIND, LIBRARY_DIRS
from gpusim.errors import GpusimError

NVIDIA_VENDOR = "0x10de"
DISPLAY_CLASS = "0x03"  # PCI class code of display controllers, 3D ones included

PCI_DEVICES = Path("/sys/bus/pci/devices")
DRIVER_DIR = Path("/proc/driver/nvidia")
CDI_DIRS = (Path("/etc/cdi"), Path("/run/cdi"))
TOOLS = (
    "nvidia-smi",
    "nvidia-container-runtime-hook",
    "nvidia-container-runtime",
    "nvidia-container-cli",
)
LOCAL_LIBRARY_DIR = "/usr/local/lib"
TOOL_DIRS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin")


def nvidia_hardware(devices: Path = PCI_DEVICES) -> list[str]:
    """PCI addresses of NVIDIA GPUs."""
    found = []
    for device in sorted(devices.glob("*")):
        try:
            vendor = (device / "vendor").read_text().strip()
            pci_class = (device / "class").read_text().strip()
        except OSError:
            continue
        if vendor == NVIDIA_VENDOR and pci_class.startswith(DISPLAY_CLASS):
            found.append(device.name)
    return found


def _cdi_specs() -> list[Path]:
    found = []
    for directory in CDI_DIRS:
        for spec in sorted(directory.glob("*.json")) + sorted(directory.glob("*.yaml")):
            text = spec.read_text(errors="replace")
            try:
                kind = json.loads(text).get("kind")
            except (ValueError, AttributeError):
                kind = KIND if KIND in text else None
            if kind == KIND:
                found.append(spec)
    return found


def driver_files() -> list[Path]:
    """Parts of an NVIDIA driver or container toolkit where programs look for them."""
    candidates = [Path(directory, tool) for directory in TOOL_DIRS for tool in TOOLS]
    candidates += [
        Path(directory, library)
        for directory in (*LIBRARY_DIRS, LOCAL_LIBRARY_DIR)
        for library in ("libnvidia-ml.so.1", "libcuda.so.1")
    ]
    return [path for path in (DRIVER_DIR, *candidates) if os.path.lexists(path)] + _cdi_specs()


def refuse_real_gpus(ours: Collection[Path]) -> None:
    """GpusimError when this box has an NVIDIA GPU, or driver files that we did not write."""
    hardware = nvidia_hardware()
    if hardware:
        raise GpusimError(
            f"this box has a real NVIDIA GPU ({', '.join(hardware)}): nothing is simulated here"
        )
    foreign = [str(path) for path in driver_files() if path not in ours]
    if foreign:
        raise GpusimError(
            "a real NVIDIA driver or toolkit seems to be installed: nothing is simulated here,"
            f" because these files are not ours: {', '.join(foreign)}"
        )
