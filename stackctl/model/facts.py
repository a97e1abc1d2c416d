"""The box as a frozen snapshot: everything that checks may look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from stackctl.model.errors import NOT_ASKED, Unavailable
from stackctl.model.gpu import Driver, Gpu, GpuRequest, Xid
from stackctl.model.observed import Observed
from stackctl.model.service import Service


@dataclass(frozen=True, slots=True)
class Daemon:
    """The Docker daemon."""

    version: str
    cdi_devices: tuple[str, ...] = ()
    runtimes: tuple[str, ...] = ()
    cgroup_driver: str = ""


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


@dataclass(frozen=True, slots=True)
class MissingModel:
    """A planned service's model that is not on the disk: its host path, and how to get it."""

    service: str
    path: str
    fetch: str


@dataclass(frozen=True, slots=True)
class DamagedModel:
    """A service's model on the disk of which the structure is broken, and what is wrong with it."""

    service: str
    path: str
    problems: tuple[str, ...]
    fetch: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that checks may look at, gathered once. A failure is a value, not an exception."""

    daemon: Daemon | Unavailable = NOT_ASKED
    compose: str | Unavailable = NOT_ASKED
    driver: Driver | Unavailable = NOT_ASKED
    xids: tuple[Xid, ...] = ()
    planned: tuple[Service, ...] = ()
    observed: tuple[Observed, ...] = ()
    port_holders: Mapping[int, str] = field(default_factory=dict)  # host port -> who has it
    missing_models: tuple[MissingModel, ...] = ()
    damaged_models: tuple[DamagedModel, ...] = ()
    space: tuple[Space, ...] = ()
