"""What can be broken, and how each fault shows in the state file.

Return codes are those of nvml.h where nothing else is said.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from gpusim.hardware import gpu_bus

GPU_IS_LOST, RESET_REQUIRED, DRIVER_NOT_LOADED = 15, 16, 9
CUDA_ERROR_UNKNOWN = 999  # of cuda.h

# The library of a newer driver package beside the kernel module that still runs.
UPGRADED_LIBRARY = "580.173.02"


class Scope(Enum):
    """What a fault has to be told besides its name."""

    DRIVER = "the whole driver"
    GPU = "one GPU"
    CONTAINER = "one container"


@dataclass(frozen=True)
class Fault:
    """A fault that is set. `values` hold what it was set with and what undoing it needs."""

    name: str
    gpu: int | None = None
    container: str | None = None
    values: dict[str, Any] = field(default_factory=dict)

    def same_place(self, other: "Fault") -> bool:
        """Whether setting this one replaces the other."""
        return (self.name, self.gpu, self.container) == (other.name, other.gpu, other.container)

    def describe(self) -> str:
        where = ""
        if self.gpu is not None:
            where = f" on GPU {self.gpu}"
        elif self.container is not None:
            where = f" in container {self.container}"
        return self.name + where


def _no_keys(_fault: Fault) -> dict[str, object]:
    return {}


def _gpu_keys(**keys: object) -> Callable[[Fault], dict[str, object]]:
    return lambda fault: {f"gpu{fault.gpu}.{key}": value for key, value in keys.items()}


def _driver_keys(**keys: object) -> Callable[[Fault], dict[str, object]]:
    return lambda _fault: dict(keys)


def _hung_driver(fault: Fault) -> dict[str, object]:
    return {"init_delay_ms": round(fault.values["seconds"] * 1000)}


def _xid(fault: Fault) -> dict[str, object]:
    return {
        f"gpu{fault.gpu}.xid": fault.values["xid"],
        f"gpu{fault.gpu}.xid_sequence": fault.values["sequence"],
    }


@dataclass(frozen=True)
class FaultKind:
    scope: Scope
    summary: str
    keys: Callable[[Fault], dict[str, object]]


KINDS: dict[str, FaultKind] = {
    "cgroup-denied": FaultKind(
        Scope.CONTAINER,
        "the container's device cgroup denies 195:*, as after systemctl daemon-reload",
        _no_keys,
    ),
    "gpu-lost": FaultKind(
        Scope.GPU, "fallen off the bus: every call says GPU is lost", _gpu_keys(fault=GPU_IS_LOST)
    ),
    "gpu-reset": FaultKind(
        Scope.GPU, "every call says GPU requires reset", _gpu_keys(fault=RESET_REQUIRED)
    ),
    "version-mismatch": FaultKind(
        Scope.DRIVER,
        "the library is newer than the kernel module, as after an unattended upgrade",
        _driver_keys(library_version=UPGRADED_LIBRARY),
    ),
    "driver-not-loaded": FaultKind(
        Scope.DRIVER,
        "no kernel module behind the device nodes",
        _driver_keys(init_fault=DRIVER_NOT_LOADED),
    ),
    "cuda-999": FaultKind(
        Scope.DRIVER,
        "cuInit fails with 999 while NVML is fine, as after a new major number of nvidia_uvm",
        _driver_keys(cuda_fault=CUDA_ERROR_UNKNOWN),
    ),
    "wrong-count": FaultKind(
        Scope.GPU, "not found at boot: one GPU fewer than there should be", _gpu_keys(hidden=1)
    ),
    "memory-full": FaultKind(
        Scope.GPU,
        "all memory is taken, by no process that could be named",
        _gpu_keys(memory_full=1),
    ),
    "ecc": FaultKind(Scope.GPU, "one uncorrectable ECC error", _gpu_keys(ecc_uncorrected=1)),
    "xid": FaultKind(
        Scope.GPU, "an Xid event (--xid, 79 if not given), also in the kernel log", _xid
    ),
    "hung-driver": FaultKind(
        Scope.DRIVER, "nvmlInit and cuInit take --seconds (10 if not given)", _hung_driver
    ),
}

# Texts of the kernel module (NVRM); other numbers get a general one.
XID_TEXTS = {
    31: "MMU Fault: ENGINE GRAPHICS GPCCLIENT_T1_0 faulted @ 0x7f3c_1e000000."
    " Fault is of type FAULT_PDE ACCESS_TYPE_VIRT_READ",
    48: "An uncorrectable double bit error (DBE) has been detected on GPU in the framebuffer.",
    79: "GPU has fallen off the bus.",
    119: "Timeout after 6s of waiting for RPC response from GPU GSP!",
}


def kernel_log_line(gpu: int, xid: int) -> str:
    """What the kernel module would log; it says at its end that it is not real."""
    address = gpu_bus(gpu)[4:].lower().removesuffix(".0")
    text = XID_TEXTS.get(xid, "GPU error.")
    return f"NVRM: Xid (PCI:{address}): {xid}, pid='<unknown>', name=<unknown>, {text} [simulated]"
