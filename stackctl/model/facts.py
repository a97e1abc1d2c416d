"""The box as a frozen snapshot: everything that checks may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stackctl.model.certificate import TlsState
from stackctl.model.errors import NOT_ASKED, Unavailable
from stackctl.model.gpu import Driver, Gpu, GpuRequest, KernelLine, Xid
from stackctl.model.network import NO_NETWORK, Network
from stackctl.model.observed import Cuda, Observed
from stackctl.model.service import Service


@dataclass(frozen=True, slots=True)
class Daemon:
    """The Docker daemon."""

    version: str
    cdi_devices: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()
    cgroup_driver: str = ""
    root: str = ""  # where images, containers and their logs are


@dataclass(frozen=True, slots=True)
class Placement:
    """Which GPUs each service gets, written as the device request that Docker understands."""

    requests: Mapping[str, GpuRequest]
    gpus: Mapping[str, tuple[Gpu, ...]]


@dataclass(frozen=True, slots=True)
class Space:
    """Free room of the file system that holds `path`."""

    path: str
    free_mib: int
    models: bool = False  # of the models, which engines only read; else Docker's own
    device: int = 0  # number of the file system; 0 = not told


@dataclass(frozen=True, slots=True)
class MissingModel:
    """A model that is not on the disk, or not all of it: whose it is (a service, or a source), its
    host path, how to get it, and which `files` of it lack if that is known."""

    service: str
    path: str
    fetch: str
    files: tuple[str, ...] = ()


class Damage(StrEnum):
    STRUCTURE = "structure"  # less, or something else, than the headers or the lock promise
    HASH = "hash"  # wrong bytes: the publisher states another hash
    UNSTATED = "unstated"  # other bytes than those of which the hash was taken here
    DISK = "disk"  # the disk does not give it
    RIGHTS = "rights"  # we may not read it
    PUBLISHER = "publisher"  # every byte is the publisher's, and it is no whole model


@dataclass(frozen=True, slots=True)
class DamagedModel:
    """A model on the disk with something wrong, and what. Where it is of several kinds, there is
    one of these for each."""

    service: str
    path: str
    problems: tuple[str, ...]
    fetch: str
    damage: Damage = Damage.STRUCTURE


@dataclass(frozen=True, slots=True)
class UnsureModel:
    """A model of which files changed since they were last hashed, or never were."""

    service: str
    path: str
    files: tuple[str, ...]
    check: str  # the command that makes sure


@dataclass(frozen=True, slots=True)
class BadLock:
    """A lock of models that cannot be read, so that nothing is known of a service's model."""

    service: str
    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that checks may look at, gathered once. A failure is a value, not an exception."""

    daemon: Daemon | Unavailable = NOT_ASKED
    compose: str | Unavailable = NOT_ASKED
    driver: Driver | Unavailable = NOT_ASKED
    xids: tuple[Xid, ...] = ()
    kernel: tuple[KernelLine, ...] = ()  # what else of the kernel log the catalogue knows
    planned: tuple[Service, ...] = ()
    observed: tuple[Observed, ...] = ()
    wanted: tuple[str, ...] = ()  # names of services that are to have a container
    port_holders: Mapping[int, str] = field(default_factory=dict)  # host port -> who has it
    missing_models: tuple[MissingModel, ...] = ()
    damaged_models: tuple[DamagedModel, ...] = ()
    unsure_models: tuple[UnsureModel, ...] = ()
    bad_locks: tuple[BadLock, ...] = ()
    tls: TlsState | Unavailable | None = None  # of the gateway; None: it has no TLS
    space: tuple[Space, ...] = ()
    unreached: tuple[str, ...] | Unavailable = ()  # containers that the gateway leaves out
    toolless: tuple[str, ...] = ()  # services (planned) or containers whose tool calls nobody makes
    network: Network = NO_NETWORK  # how far the gateway's ports and the engines' are open
    host_cuda: Cuda | Unavailable = NOT_ASKED  # asked only where CUDA fails in a container
    #: device node -> its major number in CDI files, 0 = the host's; None = no file, or not asked
    cdi_nodes: Mapping[str, int] | None = None
