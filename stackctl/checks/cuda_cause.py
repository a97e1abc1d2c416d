"""Why CUDA fails inside a container where nvidia-smi works, and whether a new one would do better.

A new container gets the device nodes and rules as they are now, and nothing else that is new. So it
helps if those are what is wrong, or if CUDA works beside it, on the host or in another container.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from stackctl.model import Cuda, Facts, Node, Observed, Unavailable

UVM = "/dev/nvidia-uvm"
_CODE = "cuda:"


class Cure(StrEnum):
    """What mends it."""

    CONTAINER = "container"  # a new one
    TRY = "try"  # perhaps a new one: what is wrong with the old one cannot be seen
    HOST = "host"  # nothing but what is done on the host, for every service
    SETTINGS = "settings"  # of this service
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Cause:
    """`fix` names the service as ROLE."""

    cause: str
    fix: str
    cure: Cure


_RECREATE = "stackctl restart ROLE, which recreates the container"
_CDI = "sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml"
_GENERATE = f"{_CDI}; then {_RECREATE}"
_LOAD = f"sudo nvidia-modprobe -c 0 -u; {_CDI}; if CUDA still fails: sudo reboot"
NO_CAPABILITY = (
    "stackctl up ROLE; if it stays, NVIDIA_DRIVER_CAPABILITIES=compute,utility in the environment "
    "of its file in compose/roles"
)
_CODES = {
    "cuda:802": Cause(
        "the GPUs are not ready yet: nvidia-fabricmanager does not run, which NVSwitch boards need",
        "sudo systemctl enable --now nvidia-fabricmanager; then stackctl restart ROLE",
        Cure.HOST,
    ),
    "cuda:803": Cause(
        "the container's libcuda is of another driver than the kernel module: the driver was "
        "upgraded, or the CDI specification names the old libraries",
        "sudo reboot; then " + _GENERATE,
        Cure.HOST,
    ),
    "cuda:804": Cause(
        "the host's driver is older than the image's CUDA, and this GPU has no compatibility layer "
        "(forward compatibility is for data-centre cards)",
        "install a newer driver, or take an image with an older CUDA (env/images.env)",
        Cure.SETTINGS,
    ),
    "no-libcuda": Cause(
        "the container was created without the `compute` capability: libcuda is not in it",
        NO_CAPABILITY,
        Cure.SETTINGS,
    ),
    "hung": Cause(
        "a GPU or the driver hangs; every program that uses CUDA hangs as well",
        "sudo dmesg | grep NVRM, then sudo reboot",
        Cure.HOST,
    ),
}


def of_failure(
    o: Observed, cuda: Cuda, why: Unavailable, facts: Facts, *, simulated: bool
) -> Cause:
    """CUDA does not work at all. What is proven comes before what the code makes likely."""
    if known := _CODES.get(why.code):
        host = facts.host_cuda
        alone = isinstance(host, Cuda) and host.usable and known.cure is Cure.HOST
        return replace(known, cure=Cure.UNKNOWN) if alone else known
    if why.code.startswith(_CODE) and (found := _of_nodes(cuda, facts, simulated=simulated)):
        return found
    if why.code == "cuda:100" and cuda.mask is not None:
        return masked(cuda.mask)
    return _beside(o, facts)


def of_difference(cuda: Cuda, missing: Iterable[str], facts: Facts) -> Cause:
    """CUDA works, without the GPUs that are missing, or with some that it was not given."""
    lacking = set(missing)
    if not lacking:
        return Cause(
            "the container has another way to the devices",
            "take `privileged` and NVIDIA_VISIBLE_DEVICES out of its file in compose/roles, then: "
            "stackctl up ROLE",
            Cure.SETTINGS,
        )
    if cuda.mask is not None:
        return masked(cuda.mask)
    if refused := _refused_by_rules(cuda):
        return _permissions(refused)
    beside = facts.host_cuda
    if isinstance(beside, Cuda) and isinstance(beside.devices, tuple):
        if lacking <= set(beside.devices):
            why = "CUDA on the host sees it: what is wrong is in the container"
            return Cause(why, _RECREATE, Cure.TRY)
        why = "CUDA on the host leaves it out as well: the card is ill, look at gpu.health"
        return Cause(why, "sudo dmesg | grep NVRM; stackctl doctor", Cure.UNKNOWN)
    why = "CUDA leaves out a GPU that nvidia-smi shows: look at gpu.health"
    return Cause(why, f"{_RECREATE}; if it stays: sudo dmesg | grep NVRM", Cure.UNKNOWN)


def masked(value: str) -> Cause:
    return Cause(
        f"CUDA_VISIBLE_DEVICES={value} hides GPUs: the container has only its own, from 0 on",
        "take CUDA_VISIBLE_DEVICES out of its environment, then: stackctl up ROLE",
        Cure.SETTINGS,
    )


def _of_nodes(cuda: Cuda, facts: Facts, *, simulated: bool) -> Cause | None:
    uvm = next((node for node in cuda.nodes if node.path == UVM), None)
    if cuda.uvm_major is None:
        # simulated GPUs have no such module; one that opens has it, wherever the daemon is
        if not simulated and cuda.nodes and (uvm is None or uvm.error):
            return Cause(
                "the kernel module nvidia_uvm is not loaded on the host, which CUDA needs and "
                "nvidia-smi does not",
                _LOAD,
                Cure.HOST,
            )
    elif uvm is None or uvm.major != cuda.uvm_major:
        return _stale(uvm, cuda.uvm_major, facts)
    if refused := _refused_by_rules(cuda):
        return _permissions(refused)
    return None


def _stale(uvm: Node | None, kernel: int, facts: Facts) -> Cause:
    """What a new container would get is written in the CDI files, where there are any."""
    what = (
        f"{UVM} is not in the container, without which CUDA cannot begin"
        if uvm is None
        else f"{UVM} has the major number {uvm.major} in the container; "
        f"the kernel gave {kernel} at this boot"
    )
    if facts.cdi_nodes is None:
        return Cause(what, _RECREATE, Cure.CONTAINER)
    told = facts.cdi_nodes.get(UVM)
    if told is None:
        return Cause(f"{what}: the CDI file does not name it", _GENERATE, Cure.HOST)
    if told not in (0, kernel):
        return Cause(f"{what}: the CDI file says {told}", _GENERATE, Cure.HOST)
    return Cause(f"{what}; a new container gets the right one", _RECREATE, Cure.CONTAINER)


def _permissions(refused: str) -> Cause:
    return Cause(
        f"the container lost its permission for {refused}: a `systemctl daemon-reload` (package "
        "upgrades do it) rewrote its device rules",
        f"{_RECREATE}; so that it stays away, let Docker give GPUs by CDI: {_CDI}, then "
        "stackctl up",
        Cure.CONTAINER,
    )


def _beside(o: Observed, facts: Facts) -> Cause:
    """The nodes are as they should be: does CUDA work anywhere else on this box?"""
    host = facts.host_cuda
    well = ["on the host"] if isinstance(host, Cuda) and host.usable else []
    well += [
        f"in {each.service.name}"
        for each in facts.observed
        if each is not o and isinstance(each.cuda, Cuda) and each.cuda.usable
    ]
    if well:
        why = f"CUDA works {well[0]}: what is wrong is in this container alone"
        return Cause(why, f"{_RECREATE}; if it stays: stackctl doctor", Cure.TRY)
    failed = host.devices if isinstance(host, Cuda) else None
    if isinstance(failed, Unavailable) and failed.code.startswith((_CODE, "hung")):
        why = "CUDA fails on the host as well, so no container helps"
        return Cause(f"{why}: it is nvidia_uvm or the driver", _LOAD, Cure.HOST)
    why = (
        "the container lost device permissions, nvidia_uvm is not as it should be, or a card failed"
    )
    return Cause(why, f"stackctl doctor; {_LOAD}", Cure.UNKNOWN)


def _refused_by_rules(cuda: Cuda) -> str:
    return ", ".join(node.path for node in cuda.nodes if node.error == errno.EPERM)
