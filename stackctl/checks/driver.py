"""The host's NVIDIA driver and each GPU's health."""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.catalogue import NVML, UNKNOWN, filled, first, xid
from stackctl.checks.gpus import gpus_of
from stackctl.model import Check, Driver, Facts, Finding, Gpu, Phase, Severity, Unavailable

#: what to do where the catalogue has no entry for what NVML says
_LOOK = "nvidia-smi; sudo dmesg | grep NVRM"
_UNKNOWN_XID = (xid.Action.RESTART, "unknown: see NVIDIA's Xid catalogue")


def _explained(fault: Unavailable, gpu: int | None = None) -> tuple[str, str, dict[str, str]]:
    """Cause, fix and values of what NVML says."""
    hit = first(fault.code, NVML) or first(fault.reason, NVML)
    values = {"code": fault.code, "failure": hit.failure.id if hit else ""}
    if hit is None:
        return UNKNOWN, _LOOK, values
    return hit.failure.cause, filled(hit.failure.fix, "", gpu), values


def unavailable(driver: Unavailable) -> Finding:
    """The finding for a host whose driver does not answer."""
    cause, fix, values = _explained(driver)
    return Finding(
        "gpu.driver",
        Severity.ERROR,
        "host",
        f"the NVIDIA driver does not answer: {driver.reason}",
        cause=cause,
        fix=fix,
        values=values,
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
            cause, fix, values = _explained(gpu.fault, gpu.index)
            yield Finding(
                "gpu.health",
                Severity.ERROR,
                subject,
                f"the driver says: {gpu.fault.reason}",
                cause=cause,
                fix=fix,
                values=values,
            )
        elif gpu.ecc_uncorrected:
            yield Finding(
                "gpu.health",
                Severity.ERROR,
                subject,
                f"{gpu.ecc_uncorrected} uncorrectable ECC errors since the driver was loaded",
                cause="memory of this GPU is failing: answers computed on it may be wrong",
                fix=filled(xid.Action.ECC, "", gpu.index),
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
        mine = [x for x in mine if x.number not in xid.HARMLESS]
        if not mine:
            continue
        worst = next((x for x in mine if x.number in xid.FATAL), mine[-1])
        action, meaning = xid.XIDS.get(worst.number, _UNKNOWN_XID)
        yield Finding(
            "gpu.xid",
            Severity.ERROR if worst.number in xid.FATAL else Severity.WARNING,
            f"GPU {gpu.index}",
            f"the kernel logged Xid {worst.number} for this GPU",
            evidence=worst.line,
            cause=meaning,
            fix=filled(action, "", gpu.index),
            values={"xid": worst.number},
        )


def _same_card(pci: str, gpu: Gpu) -> bool:
    """`0000:1b:00` of the kernel log against `00000000:1B:00.0` of NVML."""
    full = gpu.pci_bus_id.lower().split(".")[0].lstrip("0")
    return bool(full) and pci.lower().split(".")[0].lstrip("0") == full


def _unanswered(at: float, gpu: Gpu, facts: Facts) -> bool:
    starts = [
        o.container.since
        for o in facts.observed
        if o.container.running and gpu in gpus_of(o.service, facts)
    ]
    return not starts or at > min(starts)


CHECKS = (
    Check("gpu.driver", "The NVIDIA driver answers", Phase.BOTH, driver_answers),
    Check("gpu.health", "Each GPU is healthy", Phase.BOTH, healthy, needs=("driver",)),
    Check("gpu.xid", "The kernel logged no GPU error", Phase.RUNNING, xids, needs=("driver",)),
)
