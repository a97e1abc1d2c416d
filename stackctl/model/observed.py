"""One running service, looked at from every side. Memory in MiB."""

from __future__ import annotations

from dataclasses import dataclass

from stackctl.model.errors import NOT_ASKED, Unavailable
from stackctl.model.service import Container, Service


@dataclass(frozen=True, slots=True)
class SeenGpu:
    """A GPU as nvidia-smi shows it inside a container."""

    uuid: str
    name: str


@dataclass(frozen=True, slots=True)
class Node:
    """A device node /dev/nvidia* of a container. `error` = errno of opening it, 0 if it opens."""

    path: str
    major: int
    error: int = 0


@dataclass(frozen=True, slots=True)
class Cuda:
    """What CUDA says inside a container: the devices' UUIDs, without the `GPU-` before them."""

    devices: tuple[str, ...] | Unavailable = NOT_ASKED
    nodes: tuple[Node, ...] = ()
    mask: str | None = None  # CUDA_VISIBLE_DEVICES of the container
    uvm_major: int | None = None  # of nvidia-uvm, as the host's kernel says; None if it does not

    @property
    def usable(self) -> bool:
        return not isinstance(self.devices, Unavailable)


#: MiB of a buffer of which an engine names the device, and not the size
AT_LEAST = 1.0


@dataclass(frozen=True, slots=True)
class Buffer:
    """Memory that an engine says it allocated for model weights, KV cache or compute."""

    device: str
    kind: str  # model, KV, compute
    mib: float


@dataclass(frozen=True, slots=True)
class GpuProof:
    """What an engine's own words say about where the model is."""

    buffers: tuple[Buffer, ...] = ()
    layers: tuple[int, int] | None = None  # offloaded, of
    host_allowance_mib: float = 0.0  # model memory that belongs on the host: the token embedding
    evidence: tuple[str, ...] = ()
    split: tuple[int, ...] = ()  # layers per device, in the order of the devices

    def mib(self, kind: str, *, host: bool) -> float:
        """Sum of the buffers of one kind on the host (`host`) or on devices."""
        return sum(b.mib for b in self.buffers if b.kind == kind and is_host(b.device) is host)

    @property
    def devices(self) -> tuple[str, ...]:
        """Devices that hold model memory, host excluded, in the order seen."""
        seen = (b.device for b in self.buffers if b.kind == "model" and not is_host(b.device))
        return tuple(dict.fromkeys(seen))


def is_host(device: str) -> bool:
    """Whether a buffer's device is host memory: CPU, CPU_Mapped, CPU_REPACK, CUDA_Host."""
    return device.upper().startswith("CPU") or device.endswith("_Host")


@dataclass(frozen=True, slots=True)
class Served:
    """What an engine offers over HTTP. `context` in tokens per request; None = it does not tell."""

    models: tuple[str, ...]
    context: int | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an engine is with loading: a word for the stage, per cent where it can be told."""

    stage: str
    percent: int | None = None


STARTING = Progress("starting")


@dataclass(frozen=True, slots=True)
class Explanation:
    """A line that says why something failed, in our words.

    `id` is that of the catalogue's entry; empty for what no entry explains. `line` then has several
    lines: the first error, and what is around it.
    """

    line: str
    cause: str
    fix: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """One running service, looked at once from every side."""

    service: Service
    container: Container
    inside: tuple[SeenGpu, ...] | Unavailable = NOT_ASKED
    cuda: Cuda | Unavailable = NOT_ASKED
    ready: bool | Unavailable = NOT_ASKED
    proof: GpuProof | Unavailable = NOT_ASKED
    served: Served | Unavailable = NOT_ASKED
    answer: str | Unavailable | None = None  # None = not asked for
    progress: Progress = STARTING
    explanations: tuple[Explanation, ...] = ()  # why it does not run, load or answer
    died: tuple[Explanation, ...] = ()  # why it ended before Docker started it again
    last_line: str = ""
    unread: str = ""  # why its log cannot be read, if so
    title: str = ""  # of the engine
    version: str = ""  # of the engine, as it tells; empty if it does not
