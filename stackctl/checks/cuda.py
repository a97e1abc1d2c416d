"""NVML that works is not CUDA that works: what cuInit says inside each container."""

from __future__ import annotations

import errno
from collections.abc import Iterable

from stackctl.checks import cuda_cause
from stackctl.model import (
    NOT_ASKED,
    Check,
    Cuda,
    Driver,
    Facts,
    Finding,
    Node,
    Observed,
    Phase,
    Severity,
    Unavailable,
)

ID = "gpu.cuda"
#: what says that nobody asked, and nothing of the GPU
_UNKNOWN = "not-loaded"
_NO_DRIVER = (errno.ENXIO, errno.ENODEV)
_WHY = {errno.EPERM: "not permitted", errno.EACCES: "its file mode", errno.ENOENT: "not there"}


def cuda_inside(facts: Facts) -> Iterable[Finding]:
    for o in facts.observed:
        if not o.container.running or not o.service.gpus.wanted or o.cuda == NOT_ASKED:
            continue
        if isinstance(o.cuda, Unavailable):
            yield _skipped(o, f"CUDA was not asked: {o.cuda.reason}")
        elif isinstance(o.cuda.devices, Unavailable):
            yield _failing(o, o.cuda, o.cuda.devices, facts)
        else:
            yield _working(o, o.cuda, o.cuda.devices, facts)


def _failing(o: Observed, cuda: Cuda, why: Unavailable, facts: Facts) -> Finding:
    refused = _refused(cuda.nodes, simulated=_simulated(o, facts))
    cannot = f"cannot open {refused}" if refused else why.reason
    if why.code == _UNKNOWN:
        return _skipped(o, f"CUDA was not asked: {why.reason}")
    if isinstance(o.inside, Unavailable) and o.inside != NOT_ASKED:
        return _skipped(o, f"CUDA fails too, as gpu.inside explains: {cannot}")
    found = cuda_cause.of_failure(o, cuda, why, facts, simulated=_simulated(o, facts))
    return Finding(
        ID,
        Severity.ERROR,
        o.service.name,
        "CUDA cannot be used inside the container, though nvidia-smi works",
        evidence="; ".join(dict.fromkeys(filter(None, (why.reason, cannot)))),
        cause=found.cause,
        fix=found.fix.replace("ROLE", o.service.name),
        values={"code": why.code, "refused": refused, "cure": found.cure},
    )


def _working(o: Observed, cuda: Cuda, devices: tuple[str, ...], facts: Facts) -> Finding:
    name, seen = o.service.name, set(devices)
    note = " (SIMULATED GPU)" if _simulated(o, facts) else ""
    by_nvml = None if isinstance(o.inside, Unavailable) else {_bare(g.uuid) for g in o.inside}
    expected = by_nvml if by_nvml is not None else _assigned(o, facts)
    # where both see the same, gpu.assigned has said whether it is the right one
    if expected is not None and seen != expected:
        missing, extra = sorted(expected - seen), sorted(seen - expected)
        what = [f"does not see {', '.join(missing)}"] if missing else []
        what += [f"sees {', '.join(extra)}, which it was not given"] if extra else []
        found = cuda_cause.of_difference(cuda, missing, facts)
        return Finding(
            ID,
            Severity.ERROR,
            name,
            f"CUDA {'; '.join(what)}",
            evidence=f"cuDeviceGetUuid: {', '.join(devices) or 'no GPU'}",
            cause=found.cause,
            fix=found.fix.replace("ROLE", name),
            values={"missing": missing, "extra": extra, "cure": found.cure},
        )
    if isinstance(o.inside, Unavailable) and o.inside.code == "no-smi":
        return Finding(
            ID,
            Severity.WARNING,
            name,
            f"CUDA works inside, nvidia-smi and NVML are not there{note}",
            evidence=o.inside.reason,
            cause="the container was created without the `utility` capability: its engine computes "
            "on the GPU, and nothing inside can watch it",
            fix=cuda_cause.NO_CAPABILITY.replace("ROLE", name),
            values={"code": o.inside.code},
        )
    return Finding(ID, Severity.OK, name, "CUDA works inside")


def _assigned(o: Observed, facts: Facts) -> set[str] | None:
    if not isinstance(facts.driver, Driver):
        return None
    wanted, unknown = o.service.gpus.resolve(facts.driver.gpus)
    return {_bare(each) for each in (*(g.uuid for g in wanted), *unknown) if "-" in each}


def _bare(uuid: str) -> str:
    """CUDA tells the digits alone; NVML puts GPU- or MIG- before them."""
    return uuid.partition("-")[2]


def _simulated(o: Observed, facts: Facts) -> bool:
    return isinstance(facts.driver, Driver) and facts.driver.simulated


def _refused(nodes: Iterable[Node], *, simulated: bool) -> str:
    """The nodes that do not open, and why. Behind a simulated one there never is a driver."""
    words = []
    for node in nodes:
        if node.error == 0 or (simulated and node.error in _NO_DRIVER):
            continue
        why = "no driver behind it" if node.error in _NO_DRIVER else _WHY.get(node.error)
        words.append(f"{node.path} ({why or f'errno {node.error}'})")
    return ", ".join(words)


def _skipped(o: Observed, why: str) -> Finding:
    return Finding(ID, Severity.SKIPPED, o.service.name, why)


CHECKS = (Check(ID, "CUDA works inside the container", Phase.RUNNING, cuda_inside),)
