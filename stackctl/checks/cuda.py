"""NVML that works is not CUDA that works: what cuInit says inside each container."""

from __future__ import annotations

import errno
from collections.abc import Iterable

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
_UVM = "/dev/nvidia-uvm"
_REGENERATE = (
    "sudo modprobe nvidia_uvm; sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml; then "
    "stackctl restart ROLE, which recreates the container"
)
_NO_CAPABILITY = (
    "stackctl up ROLE; if it stays, NVIDIA_DRIVER_CAPABILITIES=compute,utility in the environment "
    "of its file in compose/roles"
)
#: codes of cuda.h: cause, fix
_CODES = {
    "cuda:100": (
        "CUDA finds no GPU that it can use: the container lost its device permissions, or the card "
        "has failed",
        "stackctl restart ROLE; if it stays: stackctl doctor",
    ),
    "cuda:802": (
        "the GPUs are not ready yet: nvidia-fabricmanager does not run, which NVSwitch boards need",
        "sudo systemctl enable --now nvidia-fabricmanager; then stackctl restart ROLE",
    ),
    "cuda:803": (
        "the container's libcuda is of another driver than the kernel module: the driver was "
        "upgraded, or the CDI specification names the old libraries",
        "sudo reboot; then " + _REGENERATE,
    ),
    "cuda:804": (
        "the host's driver is older than the image's CUDA, and this GPU has no compatibility layer "
        "(forward compatibility is for data-centre cards)",
        "install a newer driver, or take an image with an older CUDA (env/images.env)",
    ),
    "cuda:999": (
        "/dev/nvidia-uvm has another number than the CDI specification says, or its module is not "
        "loaded; nvidia-smi needs neither",
        _REGENERATE,
    ),
    "no-libcuda": (
        "the container was created without the `compute` capability: libcuda is not in it",
        _NO_CAPABILITY,
    ),
    "hung": (
        "a GPU or the driver hangs; every program that uses CUDA hangs as well",
        "sudo dmesg | grep NVRM, then sudo reboot",
    ),
}
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
    cause, fix = _cause(cuda, why)
    return Finding(
        ID,
        Severity.ERROR,
        o.service.name,
        "CUDA cannot be used inside the container, though nvidia-smi works",
        evidence="; ".join(dict.fromkeys((why.reason, cannot))),
        cause=cause,
        fix=fix.replace("ROLE", o.service.name),
        values={"code": why.code, "refused": refused},
    )


def _cause(cuda: Cuda, why: Unavailable) -> tuple[str, str]:
    """What the nodes prove comes before what the code makes likely."""
    uvm = next((node for node in cuda.nodes if node.path == _UVM), None)
    if why.code.startswith("cuda:") and cuda.uvm_major is not None:
        if uvm is None:
            return f"{_UVM} is not in the container, without which CUDA cannot begin", _REGENERATE
        if uvm.major != cuda.uvm_major:
            return (
                f"{_UVM} has the major number {uvm.major} in the container, as the CDI "
                f"specification froze it; the kernel gave {cuda.uvm_major} at this boot",
                _REGENERATE,
            )
    if why.code == "cuda:100" and cuda.mask is not None:
        return _masked(cuda.mask)
    return _CODES.get(why.code, ("", "stackctl restart ROLE"))


def _masked(value: str) -> tuple[str, str]:
    return (
        f"CUDA_VISIBLE_DEVICES={value} hides GPUs: the container has only its own, from 0 on",
        "take CUDA_VISIBLE_DEVICES out of its environment, then: stackctl up ROLE",
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
        fix = "stackctl restart ROLE; if it stays: sudo dmesg | grep NVRM"
        cause, fix = (
            _masked(cuda.mask)
            if missing and cuda.mask is not None
            else ("CUDA leaves out a GPU that nvidia-smi shows: look at gpu.health", fix)
        )
        return Finding(
            ID,
            Severity.ERROR,
            name,
            f"CUDA {'; '.join(what)}",
            evidence=f"cuDeviceGetUuid: {', '.join(devices) or 'no GPU'}",
            cause=cause,
            fix=fix.replace("ROLE", name),
            values={"missing": missing, "extra": extra},
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
            fix=_NO_CAPABILITY.replace("ROLE", name),
            values={"code": o.inside.code},
        )
    return Finding(ID, Severity.OK, name, f"CUDA works inside on {len(devices)} GPU{note}")


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
