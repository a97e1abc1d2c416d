"""GPUs, as NVML and the kernel show them. Memory in MiB (2**20 bytes)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stackctl.model.errors import Unavailable

MIB = 1 << 20

#: the ending of a product name by which every simulated GPU is known
SIMULATED = "[simulated]"
#: how the Container Device Interface names NVIDIA GPUs
CDI_KIND = "nvidia.com/gpu="


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """One process that holds GPU memory. `container_id` is empty when it belongs to none."""

    pid: int
    used_mib: int
    container_id: str = ""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as the host's NVML shows it. `fault` is set when NVML refuses to talk to it."""

    index: int
    uuid: str = ""
    name: str = ""
    total_mib: int = 0
    used_mib: int = 0
    utilization: int = 0  # per cent
    temperature: int = 0  # degrees Celsius
    power_watts: float = 0.0
    pci_bus_id: str = ""
    compute: tuple[int, int] = (0, 0)  # compute capability; (0, 0) = not told
    ecc_uncorrected: int = 0  # since the driver was loaded
    processes: tuple[GpuProcess, ...] = ()
    fault: Unavailable | None = None

    @property
    def simulated(self) -> bool:
        return self.name.endswith(SIMULATED)


@dataclass(frozen=True, slots=True)
class Driver:
    """The host's NVIDIA driver, asked through NVML."""

    version: str
    cuda: str
    gpus: tuple[Gpu, ...]

    @property
    def simulated(self) -> bool:
        return any(gpu.simulated for gpu in self.gpus)


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a hardware profile is made for."""

    profile: str
    gpu_name: str
    gpu_count: int
    gpu_mib: int


@dataclass(frozen=True, slots=True)
class Xid:
    """An error that the NVIDIA kernel driver wrote to the kernel log."""

    pci_bus_id: str
    number: int
    line: str
    at: float  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class KernelLine:
    """A line of the kernel log that says what went wrong on this host."""

    text: str
    at: float  # seconds since the epoch


@dataclass(frozen=True, slots=True)
class GpuRequest:
    """The GPUs a service asks for: ids (index, UUID or CDI name), or a count (-1 = all)."""

    driver: str = ""  # nvidia, cdi, "" (Docker chooses), or runtime (legacy `runtime: nvidia`)
    ids: tuple[str, ...] = ()
    count: int = 0

    @property
    def wanted(self) -> bool:
        return bool(self.ids) or self.count != 0

    def resolve(self, gpus: Sequence[Gpu]) -> tuple[tuple[Gpu, ...], tuple[str, ...]]:
        """The GPUs that this request means, and the ids that none of `gpus` has."""
        if not self.ids:
            count = len(gpus) if self.count == -1 else self.count
            return tuple(gpus[:count]), tuple(str(i) for i in range(len(gpus), count))
        found: list[Gpu] = []
        unknown: list[str] = []
        for identifier in self.ids:
            name = identifier.removeprefix(CDI_KIND)
            hits = [g for g in gpus if name in ("all", str(g.index)) or (name and name == g.uuid)]
            found += [gpu for gpu in hits if gpu not in found]
            if not hits:
                unknown.append(name)
        return tuple(found), tuple(unknown)


NO_GPU = GpuRequest()
