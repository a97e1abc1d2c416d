"""Room: GPU memory that nobody's container holds, disk, shared memory."""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.checks import host as shared
from stackctl.checks.doctor.words import ok
from stackctl.model import Driver, Facts, Finding, Severity
from stackctl.model.host import Engine, Guest, Holder, HostFacts, Look

_GROUP = "Room"
#: what a desktop or a monitor takes is nobody's loss
_SMALL_MIB = 256
_DISK_MIB = 20 * 1024
_SHM_MIB = 1024
#: engines whose processes talk by /dev/shm when they share a model
_BY_SHM = frozenset({"vllm", "sglang", "tensorrt-llm"})


def holders(facts: HostFacts) -> Iterable[Finding]:
    """Processes that hold GPU memory and are in no container of this Docker."""
    large = [holder for holder in facts.holders if holder.used_mib >= _SMALL_MIB]
    for holder in large:
        cause, fix = _why(holder)
        name = f"{holder.name or 'a process that cannot be seen from here'} (pid {holder.pid}"
        yield Finding(
            "gpu.holders",
            Severity.WARNING,
            f"GPU {holder.gpu}",
            f"{holder.used_mib} MiB are held by {name}{_of(holder)})",
            cause=cause,
            fix=fix,
            values={"pid": holder.pid, "used_mib": holder.used_mib},
        )
    if not large and isinstance(facts.driver, Driver):
        small = sum(holder.used_mib for holder in facts.holders)
        more = f" but {small} MiB" if small else ""
        yield ok("gpu.holders", "GPU memory", f"held by nobody outside containers{more}")


def _of(holder: Holder) -> str:
    return f", {holder.user}" if holder.user else ""


def _why(holder: Holder) -> tuple[str, str]:
    if holder.foreign:
        short = holder.foreign[:12]
        return (
            f"it belongs to container {short}, which this Docker does not run",
            "look for it where else containers run here (podman ps, crictl ps); if its engine is "
            f"gone: sudo kill {holder.pid}",
        )
    if holder.unit:
        return (
            f"it is the service {holder.unit}, installed on the host beside the stack",
            f"if the stack is to have the GPU: sudo systemctl disable --now {holder.unit}",
        )
    if holder.orphan and holder.name:
        return (
            "who started it is gone: left over of an engine, or of a session that ended",
            f"if nobody wants it: sudo kill {holder.pid}",
        )
    return "somebody runs it on the host", f"if nobody wants it: sudo kill {holder.pid}"


def disk(facts: HostFacts) -> Iterable[Finding]:
    yield from shared.disk(Facts(space=facts.space))
    good = []
    for space in facts.space:
        if space.free_mib >= _DISK_MIB:
            good.append(f"{space.free_mib // 1024} GiB free at {space.path}")
        elif space.free_mib >= shared.DISK_MINIMUM_MIB:
            yield Finding(
                "host.disk",
                Severity.WARNING,
                "disk",
                f"only {space.free_mib / 1024:.0f} GiB free at {space.path}",
                cause="an image of an engine needs 10 to 30 GiB while it is pulled",
                fix="docker system df; docker image prune; stackctl models prune",
                values={"path": space.path, "free_mib": space.free_mib},
            )
    if good:
        yield ok("host.disk", "disk", ", ".join(good))


def shm(facts: HostFacts) -> Iterable[Finding]:
    """Shared memory: Docker's 64 MB are too few for a model on several GPUs."""
    guests = facts.engine.guests if isinstance(facts.engine, Engine) else ()
    bad = False
    for guest in guests:
        if _shares(guest, facts) and guest.own_shm and guest.shm_mib < _SHM_MIB:
            bad = True
            yield Finding(
                "host.shm",
                Severity.WARNING,
                guest.name,
                f"has {guest.shm_mib} MiB of shared memory, and several GPUs",
                cause="its processes pass each other data there: a bus error, or NCCL fails",
                fix="shm_size: 8g in its compose file, then create it anew",
            )
    host = facts.host_shm
    if host and host.free_mib < _SHM_MIB and any(not guest.own_shm for guest in guests):
        bad = True
        yield Finding(
            "host.shm",
            Severity.WARNING,
            "shared memory",
            f"{host.free_mib} MiB are free in /dev/shm, which containers share with the host",
            cause="left over of processes that were killed, or too small",
            fix="ls -l /dev/shm; sudo mount -o remount,size=50% /dev/shm",
        )
    if not bad:
        free = f"{host.free_mib / 1024:.0f} GiB free" if host else "enough"
        yield ok("host.shm", "shared memory", free)


def _shares(guest: Guest, facts: HostFacts) -> bool:
    named = any(engine in guest.service.image for engine in _BY_SHM)
    gpus = facts.driver.gpus if isinstance(facts.driver, Driver) else ()
    mine, _ = guest.service.gpus.resolve(gpus)
    return (guest.service.engine in _BY_SHM or named) and len(mine) > 1


LOOKS = (
    Look("gpu.holders", "No stranger holds GPU memory", _GROUP, holders, needs=("driver",)),
    Look("host.disk", "There is room on the disk", _GROUP, disk),
    Look("host.shm", "There is enough shared memory", _GROUP, shm),
)
