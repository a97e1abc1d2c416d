"""The host's NVIDIA driver and each GPU's health."""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.checks.gpus import gpus_of
from stackctl.model import Check, Driver, Facts, Finding, Gpu, Phase, Severity, Unavailable

#: by NVML's error code (nvml.h): cause, fix
_DRIVER = {
    "nvml:9": (
        "the kernel module is not loaded: not built for this kernel, or refused by Secure Boot",
        "sudo modprobe nvidia; if that fails: dkms status, then reinstall the driver",
    ),
    "nvml:12": (
        "the driver's libraries are not installed",
        "sudo ubuntu-drivers install --gpgpu (Debian: sudo apt install nvidia-driver)",
    ),
    "nvml:18": (
        "the driver was upgraded while the old kernel module stayed loaded",
        "sudo reboot; then hold it: sudo apt-mark hold 'nvidia-*' 'libnvidia-*'",
    ),
    "nvml:4": (
        "this user may not open /dev/nvidiactl",
        "sudo usermod -aG video,render $USER, then log in again",
    ),
    "nvml:hung": (
        "a GPU or the driver hangs; every program that asks it hangs as well",
        "sudo dmesg | grep NVRM, then sudo reboot",
    ),
}
_GPU = {
    "nvml:15": (
        "the GPU fell off the PCI bus: power, riser, heat, or a dying card",
        "power the machine off and on (a warm reboot may not do); reseat the card, lower its "
        "power limit if it comes back: sudo nvidia-smi -i {index} -pl WATTS",
    ),
    "nvml:16": (
        "the GPU stopped after an error that only a reset clears",
        "stop its services, then: sudo nvidia-smi -i {index} --gpu-reset; else sudo reboot",
    ),
}
#: NVIDIA's Xid catalogue: those after which the GPU must be reset or the machine restarted
_XID_FATAL = frozenset({48, 62, 64, 74, 79, 95, 119, 120, 140, 143, 154})
_XID_MEANING = {
    13: "a program used the GPU wrongly, or the GPU is failing",
    31: "a program touched memory it does not own",
    48: "double-bit ECC error: memory of the GPU is failing",
    62: "the GPU's power controller halted",
    64: "a failing row of memory could not be replaced",
    74: "NVLink error",
    79: "the GPU has fallen off the bus",
    94: "a contained ECC error: the program that used the memory was ended",
    95: "an uncontained ECC error",
    119: "the GPU's system processor did not answer",
    120: "the GPU's system processor failed",
}
#: Xids of applications: ended with the program that caused them
_XID_IGNORED = frozenset({43, 45, 63})


def unavailable(driver: Unavailable) -> Finding:
    """The finding for a host whose driver does not answer."""
    cause, fix = _DRIVER.get(driver.code, ("", "nvidia-smi; sudo dmesg | grep NVRM"))
    return Finding(
        "gpu.driver",
        Severity.ERROR,
        "host",
        f"the NVIDIA driver does not answer: {driver.reason}",
        cause=cause,
        fix=fix,
        values={"code": driver.code},
    )


def driver_answers(facts: Facts) -> Iterable[Finding]:
    driver = facts.driver
    if isinstance(driver, Unavailable):
        yield unavailable(driver)
    elif not driver.gpus:
        yield Finding(
            "gpu.driver",
            Severity.ERROR,
            "host",
            f"driver {driver.version} answers, but shows no GPU",
            cause="every GPU failed to initialise",
            fix="sudo dmesg | grep NVRM",
        )
    else:
        name = f"driver {driver.version}, {len(driver.gpus)} GPUs"
        yield Finding("gpu.driver", Severity.OK, "host", name)


def healthy(facts: Facts) -> Iterable[Finding]:
    assert isinstance(facts.driver, Driver)
    # a failed card keeps nobody from starting what runs on the others
    planned = {gpu.index for service in facts.planned for gpu in gpus_of(service, facts)}
    for gpu in facts.driver.gpus:
        if facts.planned and gpu.index not in planned:
            continue
        subject = f"GPU {gpu.index}"
        if gpu.fault:
            cause, fix = _GPU.get(gpu.fault.code, ("", "nvidia-smi; sudo dmesg | grep NVRM"))
            yield Finding(
                "gpu.health",
                Severity.ERROR,
                subject,
                f"the driver says: {gpu.fault.reason}",
                cause=cause,
                fix=fix.format(index=gpu.index),
                values={"code": gpu.fault.code},
            )
        elif gpu.ecc_uncorrected:
            yield Finding(
                "gpu.health",
                Severity.ERROR,
                subject,
                f"{gpu.ecc_uncorrected} uncorrectable ECC errors since the driver was loaded",
                cause="memory of this GPU is failing: answers computed on it may be wrong",
                fix=f"stop its services, sudo nvidia-smi -i {gpu.index} --gpu-reset; if the "
                "count grows again, have the card replaced",
                values={"ecc_uncorrected": gpu.ecc_uncorrected},
            )
        else:
            yield Finding("gpu.health", Severity.OK, subject, "healthy")


def xids(facts: Facts) -> Iterable[Finding]:
    """Xid errors that no restart of the GPU's services has answered yet."""
    assert isinstance(facts.driver, Driver)
    for gpu in facts.driver.gpus:
        mine = [
            x for x in facts.xids if _same_card(x.pci_bus_id, gpu) and _unanswered(x.at, gpu, facts)
        ]
        mine = [x for x in mine if x.number not in _XID_IGNORED]
        if not mine:
            continue
        worst = next((x for x in mine if x.number in _XID_FATAL), mine[-1])
        fatal = worst.number in _XID_FATAL
        yield Finding(
            "gpu.xid",
            Severity.ERROR if fatal else Severity.WARNING,
            f"GPU {gpu.index}",
            f"the kernel logged Xid {worst.number} for this GPU",
            evidence=worst.line,
            cause=_XID_MEANING.get(worst.number, "see NVIDIA's Xid catalogue"),
            fix="stop its services, reset the GPU or reboot, then: stackctl restart"
            if fatal
            else "stackctl restart the services on this GPU; if it comes again, test the card",
            values={"xid": worst.number},
        )


def _same_card(pci: str, gpu: Gpu) -> bool:
    """`0000:1b:00` of the kernel log against `00000000:1B:00.0` of NVML."""
    full = gpu.pci_bus_id.lower().split(".")[0].lstrip("0")
    return bool(full) and pci.lower().split(".")[0].lstrip("0") == full


def _unanswered(at: float, gpu: Gpu, facts: Facts) -> bool:
    starts = [
        o.container.started_at
        for o in facts.observed
        if o.container.running and gpu in gpus_of(o.service, facts)
    ]
    return not starts or at > min(starts)


CHECKS = (
    Check("gpu.driver", "The NVIDIA driver answers", Phase.BOTH, driver_answers),
    Check("gpu.health", "Each GPU is healthy", Phase.BOTH, healthy, needs=("driver",)),
    Check("gpu.xid", "The kernel logged no GPU error", Phase.RUNNING, xids, needs=("driver",)),
)
