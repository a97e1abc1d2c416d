"""Takes the GPUs away from a running container, and gives them back.

cgroup v1 has files for it; under v2 the rules are BPF programs (driver/devcg.c).
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpusim.build import DEVCG
from gpusim.cdi import CONTROL_MINOR, NVIDIA_MAJOR
from gpusim.errors import GpusimError
from gpusim.paths import INSTALL_DIR

CGROUP_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class DeviceCgroup:
    """`version` decides how it is changed: 1 or 2."""

    version: int
    path: Path


def container_pid(container: str) -> int:
    """PID of the container's first process as this host sees it. GpusimError when there is none."""
    try:
        result = subprocess.run(
            ["docker", "inspect", "--type", "container", container], capture_output=True, text=True
        )
    except FileNotFoundError:
        raise GpusimError("docker is not installed") from None
    if result.returncode:
        raise GpusimError(f"no container {container!r}: {result.stderr.strip()}")
    pid = int(json.loads(result.stdout)[0]["State"]["Pid"])
    if pid == 0:
        raise GpusimError(f"container {container!r} is not running")
    return pid


def device_cgroup(pid: int, root: Path = CGROUP_ROOT, proc: Path = Path("/proc")) -> DeviceCgroup:
    """The cgroup whose device rules hold for a process. GpusimError when it has none."""
    try:
        text = Path(proc, str(pid), "cgroup").read_text()
    except OSError as error:
        raise GpusimError(f"process {pid} is gone: {error}") from None
    # A hybrid host has a 0:: line too, but the rules are in the v1 hierarchy.
    unified = (root / "cgroup.controllers").exists()
    for line in text.splitlines():
        number, names, path = line.split(":", 2)
        if unified and number == "0":
            return DeviceCgroup(2, root / path.lstrip("/"))
        if not unified and "devices" in names.split(","):
            return DeviceCgroup(1, root / "devices" / path.lstrip("/"))
    raise GpusimError(f"process {pid} is in no device cgroup")


def granted_rules(devices_list: str, gpus: int) -> list[str]:
    """The rules of a v1 `devices.list` that let NVIDIA devices in, e.g. "c 195:0 rw"."""
    everything = [f"c {NVIDIA_MAJOR}:{minor} rw" for minor in (CONTROL_MINOR, *range(gpus))]
    granted: list[str] = []
    for rule in devices_list.splitlines():
        if rule.startswith("a "):  # a privileged container
            return everything
        if rule.startswith(f"c {NVIDIA_MAJOR}:"):
            granted.append(rule)
    return granted


def _write(path: Path, line: str) -> None:
    try:
        path.write_text(line)
    except OSError as error:
        raise GpusimError(f"cannot change {path}: {error}") from None


def _devcg(command: str, path: Path, *devices: str) -> None:
    result = subprocess.run(
        [str(INSTALL_DIR / DEVCG), command, str(path), *devices], capture_output=True, text=True
    )
    if result.returncode:
        raise GpusimError(f"devcg {command} {path}: {result.stderr.strip()}")


def deny(cgroup: DeviceCgroup, gpus: int) -> dict[str, Any]:
    """Deny all NVIDIA devices; returns what restore() needs, as JSON values."""
    rules: list[str] = []
    if cgroup.version == 1:
        rules = granted_rules((cgroup.path / "devices.list").read_text(), gpus)
        if not rules:
            raise GpusimError(f"{cgroup.path} has no NVIDIA device to deny")
        for rule in rules:
            # One by one: "195:*" is accepted and does nothing, only exact entries are taken off.
            _write(cgroup.path / "devices.deny", rule)
    else:
        _devcg("undeny", cgroup.path)
        _devcg("deny", cgroup.path, str(NVIDIA_MAJOR))
    return {"version": cgroup.version, "path": str(cgroup.path), "rules": rules}


def restore(values: dict[str, Any]) -> bool:
    """Undo deny(). False when the container is gone, and with it what was denied."""
    path = Path(values["path"])
    if not path.is_dir():
        return False
    try:
        if values["version"] == 1:
            for rule in values["rules"]:
                _write(path / "devices.allow", rule)
        else:
            _devcg("undeny", path)
    except GpusimError:
        if path.is_dir():
            raise
        return False  # it went just now
    return True
