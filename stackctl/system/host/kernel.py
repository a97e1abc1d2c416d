"""The NVIDIA driver as the kernel and the disk have it, without asking the driver."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from stackctl.model import StackError, Unavailable
from stackctl.model.host import Devices, Kernel
from stackctl.system import process
from stackctl.system.host import tree

#: where distributions keep the driver's libraries
LIBRARY_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
)
#: `Kernel Module  580.95.05`, `Kernel Module for x86_64  580.95.05`
_PROC_VERSION = re.compile(r"Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s")
_LIBRARY = re.compile(r"libnvidia-ml\.so\.(\d+\.\d+(?:\.\d+)?)$")
_MODULE = re.compile(r"/nvidia\.ko(?:\.\w+)?:", re.MULTILINE)


def kernel(root: Path = tree.ROOT, release: str = "") -> Kernel:
    """Versions that run, versions on the disk, and whether the next kernel has the module."""
    release = release or os.uname().release
    return Kernel(
        release=release,
        loaded=_loaded(root),
        on_disk=_on_disk(root, release),
        libraries=_libraries(root),
        uvm=tree.there(root, "/sys/module/nvidia_uvm"),
        nouveau=tree.there(root, "/sys/module/nouveau"),
        others=_bootable(root),
    )


def devices(root: Path = tree.ROOT) -> Devices:
    """Numbers that the kernel gave, and those that the nodes have."""
    nodes = {}
    for entry in tree.entries(root, "/dev"):
        if entry.name.startswith("nvidia"):
            try:
                found = entry.stat()
            except OSError:
                continue
            if found.st_rdev:
                nodes[f"/dev/{entry.name}"] = (os.major(found.st_rdev), os.minor(found.st_rdev))
    return Devices(majors(tree.text(root, "/proc/devices")), nodes)


def majors(listed: str | Unavailable) -> dict[str, int]:
    """Character devices of /proc/devices: name -> major. Pure."""
    if isinstance(listed, Unavailable):
        return {}
    found = {}
    for line in listed.partition("Block devices:")[0].splitlines():
        columns = line.split()
        if len(columns) == 2 and columns[0].isdecimal():
            found[columns[1]] = int(columns[0])
    return found


def _loaded(root: Path) -> str:
    version = tree.word(root, "/sys/module/nvidia/version")
    if version:
        return version
    match = _PROC_VERSION.search(tree.word(root, "/proc/driver/nvidia/version") + " ")
    return match[1] if match else ""


def _on_disk(root: Path, release: str) -> str:
    """The version that the next load takes, by modinfo: the module may be compressed."""
    if not tree.there(root, f"/lib/modules/{release}/modules.dep"):
        return ""
    # it lies in sbin, which a user's PATH may lack
    modinfo = shutil.which("modinfo", path="/usr/sbin:/sbin:/usr/bin:/bin") or "modinfo"
    argv = [modinfo, "-b", str(root), "-k", release, "-F", "version", "nvidia"]
    try:
        done = process.run(argv, timeout=5)
    except (StackError, OSError):
        return ""
    return done.out.strip() if done.code == 0 else ""


def _libraries(root: Path) -> tuple[str, ...]:
    found: set[str] = set()
    for folder in LIBRARY_FOLDERS:
        paths = [*tree.below(root, folder).glob("libnvidia-ml.so.*.*")]
        # Debian keeps the driver in a folder of its own, and a link here
        paths.append(tree.below(root, folder) / "libnvidia-ml.so.1")
        found |= {match[1] for path in paths if (match := _LIBRARY.search(path.resolve().name))}
    return tuple(sorted(found))


def _bootable(root: Path) -> dict[str, bool]:
    """Kernels that are installed, and whether each has the NVIDIA module."""
    found = {}
    for folder in tree.entries(root, "/lib/modules"):
        image = tree.there(root, f"/boot/vmlinuz-{folder.name}")
        if not image and not (folder / "vmlinuz").exists():
            continue
        listed = tree.text(root, f"/lib/modules/{folder.name}/modules.dep")
        # a kernel whose list cannot be read is not said to lack anything
        found[folder.name] = isinstance(listed, Unavailable) or bool(_MODULE.search(listed))
    return found
