"""fault, clear, faults and status: what the commands do, apart from parsing and printing."""

import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from gpusim.cgroups import container_pid, deny, device_cgroup, restore
from gpusim.errors import UsageError
from gpusim.faults import KINDS, Fault, Scope, kernel_log_line
from gpusim.hardware import MIB, SUFFIX, gpu_bus, gpu_uuid
from gpusim.manifest import load_manifest
from gpusim.paths import processes_file, state_file
from gpusim.state import State, load, update
from gpusim.watcher import running_watcher

KERNEL_LOG = Path("/dev/kmsg")


def _kind(name: str) -> Scope:
    if name not in KINDS:
        raise UsageError(f"unknown fault {name!r}; there are: {', '.join(KINDS)}")
    return KINDS[name].scope


def _check_place(name: str, gpu: int | None, container: str | None, gpus: int) -> None:
    scope = _kind(name)
    if scope is Scope.GPU and gpu is None:
        raise UsageError(f"{name} breaks one GPU: say which with --gpu N (0 to {gpus - 1})")
    if scope is Scope.CONTAINER and container is None:
        raise UsageError(f"{name} breaks one container: say which with --container NAME")
    if scope is not Scope.GPU and gpu is not None:
        raise UsageError(f"{name} breaks {scope.value}: it takes no --gpu")
    if scope is not Scope.CONTAINER and container is not None:
        raise UsageError(f"{name} breaks {scope.value}: it takes no --container")
    if gpu is not None and not 0 <= gpu < gpus:
        raise UsageError(f"there is no GPU {gpu}: this box has 0 to {gpus - 1}")


def set_fault(
    name: str,
    gpu: int | None = None,
    container: str | None = None,
    seconds: float | None = None,
    xid: int | None = None,
) -> str:
    """Set a fault; a line that says what is broken now. UsageError, GpusimError."""
    profile = load().profile
    _check_place(name, gpu, container, profile.gpus)
    if seconds is not None and (name != "hung-driver" or not 0 < seconds <= 3600):
        raise UsageError("--seconds is for hung-driver, above 0 and at most 3600")
    if xid is not None and (name != "xid" or not 0 < xid < 1000):
        raise UsageError("--xid is for the fault xid, from 1 to 999")
    values: dict[str, Any] = {}
    if name == "hung-driver":
        values = {"seconds": 10.0 if seconds is None else seconds}
    elif name == "xid":
        # Time never goes back, so a client that saw the last event takes this one for a new one.
        values = {"xid": 79 if xid is None else xid, "sequence": time.time_ns() // 1_000_000}
    elif container is not None:
        values = _deny_gpus(container, profile.gpus)
    fault = Fault(name, gpu, container, values)
    update(lambda state: state.with_fault(fault))
    if name == "xid" and gpu is not None:
        with suppress(OSError):  # a kernel log that may not be written stays as it is
            KERNEL_LOG.write_text(kernel_log_line(gpu, values["xid"]) + "\n")
    return f"set {fault.describe()}"


def _deny_gpus(container: str, gpus: int) -> dict[str, Any]:
    cgroup = device_cgroup(container_pid(container))
    for fault in load().faults:
        if fault.container == container:
            restore(fault.values)  # else there is nothing left to deny, nor to give back later
    return deny(cgroup, gpus)


def clear_faults(
    name: str | None = None, gpu: int | None = None, container: str | None = None
) -> list[str]:
    """Clear the faults that fit what is given; a line for each. UsageError, GpusimError."""
    if name is not None:
        _kind(name)
    cleared = tuple(
        fault
        for fault in load().faults
        if name in (None, fault.name)
        and gpu in (None, fault.gpu)
        and container in (None, fault.container)
    )
    lines = []
    for fault in cleared:
        note = ""
        if fault.name == "cgroup-denied" and not restore(fault.values):
            note = " (the container is gone)"
        lines.append(f"cleared {fault.describe()}{note}")
    if cleared:
        update(lambda state: state.without(cleared))
    return lines or ["nothing to clear"]


def list_faults() -> list[str]:
    """A line for each kind of fault, marked and with its place where it is set."""
    active = load().faults if state_file().exists() else ()
    lines = []
    for name, kind in KINDS.items():
        places = [fault.describe() for fault in active if fault.name == name]
        mark = "*" if places else " "
        lines.append(f"{mark} {name:18} {kind.summary}")
        lines += [f"    set: {place}" for place in places]
    return lines


def _memory_by_gpu() -> dict[str, tuple[int, int]]:
    """UUID to number of processes and their bytes."""
    usage: dict[str, tuple[int, int]] = {}
    with suppress(FileNotFoundError):
        for line in processes_file().read_text().splitlines():
            uuid, _pid, size, _rest = line.split(" ", 3)
            count, total = usage.get(uuid, (0, 0))
            usage[uuid] = (count + 1, total + int(size))
    return usage


def _gpus(state: State) -> list[dict[str, Any]]:
    usage = _memory_by_gpu()
    gpus = []
    for index in range(state.profile.gpus):
        count, size = usage.get(gpu_uuid(index), (0, 0))
        gpus.append(
            {
                "index": index,
                "uuid": gpu_uuid(index),
                "bus": gpu_bus(index),
                "name": state.profile.name + SUFFIX,
                "memory_mib": state.profile.memory_mib,
                "processes": count,
                "processes_mib": size // MIB,
            }
        )
    return gpus


def status() -> dict[str, Any]:
    """What is simulated here. `ready` is whether GPUs can be used right now."""
    installed = load_manifest() is not None
    present = state_file().exists()
    state = load() if present else None
    watcher = running_watcher()
    return {
        "installed": installed,
        "ready": present and watcher is not None,
        "watcher_pid": watcher.pid if watcher else None,
        "gpus": _gpus(state) if state else [],
        "faults": [fault.describe() for fault in state.faults] if state else [],
    }
