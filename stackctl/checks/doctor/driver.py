"""The driver: does it answer, do its parts fit each other, will they after the next boot."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from stackctl.checks import driver as shared
from stackctl.checks.doctor.words import count, listed, ok, real
from stackctl.model import Driver, Facts, Finding, Severity, Unavailable
from stackctl.model.host import MEND, HostFacts, Look, Mend

_GROUP = "Driver"
_REBOOT = "sudo reboot; then hold it: sudo apt-mark hold 'nvidia-*' 'libnvidia-*'"
_UVM = "/dev/nvidia-uvm"


def answers(facts: HostFacts) -> Iterable[Finding]:
    if not isinstance(facts.driver, Unavailable):
        yield from shared.driver_answers(Facts(driver=facts.driver))
        return
    found = shared.unavailable(facts.driver)
    cards = facts.pci if isinstance(facts.pci, tuple) else ()
    if cards and facts.kernel.nouveau and not facts.kernel.loaded:
        found = replace(
            found,
            evidence=f"{count(len(cards), 'NVIDIA GPU')} on the bus, the module nouveau is loaded",
            cause="nouveau, the driver without CUDA, has taken the GPUs",
            fix="install NVIDIA's driver, which turns nouveau off, then: sudo reboot",
        )
    elif cards:
        where = listed([card.address for card in cards])
        found = replace(found, evidence=f"on the PCI bus: {where}")
    elif facts.driver.code == "nvml:12" and facts.pci == ():
        found = replace(
            found,
            summary="no NVIDIA GPU on the PCI bus, and no driver",
            cause="no card is in this machine, or its hypervisor passes none through",
            fix="put one in, or pass it through; to try without: docs/gpusim.md",
        )
    yield found


def fits(facts: HostFacts) -> Iterable[Finding]:
    """The module that runs, the libraries, the module on the disk: one version."""
    kernel = facts.kernel
    if not kernel.loaded:
        if isinstance(facts.driver, Driver):
            seen = "simulated: it has no kernel module"
            if real(facts):
                seen = f"{facts.driver.version}; its kernel module cannot be seen from here"
            yield ok("driver.version", "driver parts", seen)
        return
    if kernel.libraries and kernel.loaded not in kernel.libraries:
        yield Finding(
            "driver.version",
            Severity.ERROR,
            "driver parts",
            f"libraries of {listed(kernel.libraries)}, kernel module of {kernel.loaded}",
            evidence="/sys/module/nvidia/version against libnvidia-ml.so.*",
            cause="the driver was upgraded while the old module stayed loaded: what runs goes on, "
            "what starts now finds no GPU",
            fix=_REBOOT,
        )
    elif kernel.on_disk and kernel.on_disk != kernel.loaded:
        yield Finding(
            "driver.version",
            Severity.WARNING,
            "driver parts",
            f"{kernel.loaded} runs, the next boot loads {kernel.on_disk}",
            evidence=f"modinfo nvidia, libraries of {listed(kernel.libraries) or '?'}",
            cause="an upgrade, or a part of one, waits for a reboot",
            fix="reboot when it suits you; the libraries must then be of the same version",
        )
    else:
        more = [v for v in kernel.libraries if v != kernel.loaded]
        rest = f" (libraries of {listed(more)} lie beside it)" if more else ""
        yield ok("driver.version", "driver parts", f"all of {kernel.loaded}{rest}")


def next_boot(facts: HostFacts) -> Iterable[Finding]:
    """The newest kernel, which the machine boots next, has the module as well."""
    kernel = facts.kernel
    if not kernel.loaded or not kernel.others:
        return
    newest = max(kernel.others, key=_order)
    if kernel.others[newest] or not kernel.others.get(kernel.release, True):
        if kernel.others[newest]:
            yield ok("driver.next-boot", "next boot", f"kernel {newest} has the driver")
        return
    yield Finding(
        "driver.next-boot",
        Severity.WARNING,
        "next boot",
        f"kernel {newest} is installed and has no NVIDIA module",
        evidence=f"no nvidia.ko in /lib/modules/{newest}; {kernel.release} runs now",
        cause="the module was not built for it: its headers were missing, or DKMS failed. After "
        "the next reboot there is no GPU",
        fix=f"dkms status; sudo apt install linux-headers-{newest}; "
        f"sudo dkms autoinstall -k {newest}",
    )


def _order(release: str) -> list[tuple[int, str]]:
    """6.8.0-100 after 6.8.0-99."""
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in re.split(r"(\d+)", release) if p]


def uvm(facts: HostFacts) -> Iterable[Finding]:
    """CUDA's own device: the module is loaded, and its node has the number of today."""
    if not facts.kernel.loaded or not real(facts):
        return
    now = facts.devices.majors.get("nvidia-uvm")
    node = facts.devices.nodes.get(_UVM)
    if not facts.kernel.uvm and now is None:
        yield Finding(
            "driver.uvm",
            Severity.WARNING,
            "nvidia_uvm",
            "the kernel module nvidia_uvm is not loaded",
            evidence="no nvidia-uvm in /proc/devices",
            cause="NVML and nvidia-smi work without it, CUDA does not. A program on the host loads "
            "it by itself; a container that gets its GPU by CDI cannot",
            fix="sudo nvidia-modprobe -u -c=0",
            values={
                MEND: Mend(
                    what="load nvidia_uvm and make its device nodes",
                    safe="it is a part of the driver that runs, and is what the first CUDA program "
                    "does anyway",
                    argv=("nvidia-modprobe", "-u", "-c=0"),
                )
            },
        )
    elif now is not None and node is not None and node[0] != now:
        yield Finding(
            "driver.uvm",
            Severity.ERROR,
            "nvidia_uvm",
            f"{_UVM} has the major number {node[0]}, the kernel gave {now}",
            evidence=f"ls -l {_UVM}; grep nvidia-uvm /proc/devices",
            cause="the node is of an earlier load of the module: CUDA fails (error 999), though "
            "nvidia-smi works",
            fix=f"sudo rm {_UVM} {_UVM}-tools; sudo nvidia-modprobe -u -c=0; {_AGAIN}",
        )
    else:
        yield ok("driver.uvm", "nvidia_uvm", "loaded" + (f", major {now}" if now else ""))


_AGAIN = "then stackctl restart"

LOOKS = (
    Look("gpu.driver", "The NVIDIA driver answers", _GROUP, answers),
    Look("driver.version", "Module, libraries and disk have one version", _GROUP, fits),
    Look("driver.next-boot", "The next kernel has the driver as well", _GROUP, next_boot),
    Look("driver.uvm", "CUDA's device is there", _GROUP, uvm),
)
