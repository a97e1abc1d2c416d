"""Services: the contract that a container carries, and its state."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from stackctl.model.gpu import NO_GPU, GpuRequest


@dataclass(frozen=True, slots=True)
class Port:
    """A published port. `container` is the port inside."""

    address: str
    host: int
    container: int

    @property
    def everywhere(self) -> bool:
        """Whether it is bound to every address of IPv4, of IPv6, or (not said) of both."""
        return self.address in ("", "0.0.0.0", "::")  # noqa: S104 - looked for, not bound

    @property
    def loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return not self.everywhere and ipaddress.ip_address(self.address).is_loopback

    @property
    def where(self) -> str:
        """`192.168.1.20:8443`, `[::]:8443`, `*:8443`"""
        address = self.address or "*"
        return f"[{address}]:{self.host}" if ":" in address else f"{address}:{self.host}"


@dataclass(frozen=True, slots=True)
class Mount:
    """A bind mount or volume. `source` is a host path or a volume's name."""

    source: str
    target: str
    bind: bool


#: `stackctl.engine` of the service that makes tool calls for engines that have none
EMULATION = "emulation"


@dataclass(frozen=True, slots=True)
class Service:
    """What must be true of one service: its labels and its device requests, nothing else."""

    name: str
    role: str
    engine: str
    model: str
    context: int | None = None  # tokens
    port: int = 0  # inside the container
    vram_mib: int | None = None  # over all its GPUs
    cuda: str = ""  # the CUDA version its image is built for, e.g. 13.0
    gpus: GpuRequest = NO_GPU
    image: str = ""
    ports: tuple[Port, ...] = ()
    mounts: tuple[Mount, ...] = ()
    depends_on: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()  # of its models, as their owner names them: [FOLDER=]SOURCE
    aliases: tuple[str, ...] = ()  # more names under which clients ask for its model
    slots: int | None = None  # requests that it works on at once; None: the engine's own number
    queue: int | None = None  # requests that may wait for a slot
    tools: str = ""  # "emulated": another service makes its tool calls

    @property
    def emulated(self) -> bool:
        """Whether clients come by way of the emulation of tool calls."""
        return self.tools == "emulated"


@dataclass(frozen=True, slots=True)
class Stack:
    """The resolved Compose project."""

    project: str
    services: tuple[Service, ...]


#: exit codes of a program that ended of itself without an error, or was stopped
_STOPPED = frozenset({0, 130, 137, 143})


@dataclass(frozen=True, slots=True)
class Container:
    """The state of one container, as the daemon tells it."""

    id: str
    name: str
    project: str
    state: str  # created, running, restarting, exited, dead, paused
    pid: int = 0  # of its first process, as the daemon's host counts
    started_at: float = 0.0  # by the daemon's clock at that time, as the stamps of its log are
    began: float = 0.0  # the same moment by the clock as it is now; 0 = not known
    exit_code: int = 0
    error: str = ""
    oom_killed: bool = False
    restarts: int = 0
    health: str = ""  # healthy, unhealthy, starting, or "" without a health check
    url: str = ""
    image_id: str = ""  # what the tag meant when it was created: sha256:…
    log_driver: str = ""
    log_bounded: bool = True

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def since(self) -> float:
        """When it was started, to be compared with now: a clock may have been set in between."""
        return self.began or self.started_at

    @property
    def crashed(self) -> bool:
        """Whether it ended by an error, which its log may tell. What Docker starts again did."""
        return self.state == "restarting" or (not self.running and self.exit_code not in _STOPPED)
