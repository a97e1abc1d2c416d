"""The host without its containers' insides, as a frozen snapshot for `stackctl doctor`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from stackctl.model.check import Finding
from stackctl.model.errors import NOT_ASKED, Unavailable
from stackctl.model.facts import Daemon, Space
from stackctl.model.gpu import Driver, Xid
from stackctl.model.network import Bridge as Bridge
from stackctl.model.network import Firewall as Firewall
from stackctl.model.service import Container, Service

#: codes of Unavailable: there is no such file, and: it is not for this user
ABSENT, NO_RIGHT = "absent", "no-right"


@dataclass(frozen=True, slots=True)
class Kernel:
    """What the kernel has of the NVIDIA driver, and what the disk has for the next boot."""

    release: str = ""
    loaded: str = ""  # version of the nvidia module that runs; empty = none
    on_disk: str = ""  # of the one that the next load takes; empty = not told
    libraries: tuple[str, ...] = ()  # versions of the driver's libraries
    uvm: bool = False  # nvidia_uvm, without which NVML works and CUDA does not
    nouveau: bool = False
    others: Mapping[str, bool] = field(default_factory=dict)  # bootable kernel -> has the module


@dataclass(frozen=True, slots=True)
class Devices:
    """Device nodes. Numbers are (major, minor)."""

    majors: Mapping[str, int] = field(default_factory=dict)  # by name in /proc/devices
    nodes: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # /dev/nvidia* -> its number


@dataclass(frozen=True, slots=True)
class CdiSpec:
    """A file that tells container engines how to hand out GPUs."""

    path: str
    devices: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()  # of the driver, by the files that it names
    missing: tuple[str, ...] = ()  # files of the host that it names and that are not there
    majors: Mapping[str, int] = field(default_factory=dict)  # device node -> major, where frozen
    rank: int = 0  # of its folder; the higher one wins
    nodes: tuple[str, ...] = ()  # device nodes that it gives


@dataclass(frozen=True, slots=True)
class Toolkit:
    """NVIDIA's container toolkit, and who keeps its CDI file fresh."""

    ctk: str = ""  # path of nvidia-ctk; empty = not installed
    version: str = ""
    refreshes: bool = False  # the unit nvidia-cdi-refresh is installed
    persistenced: bool = False  # the unit nvidia-persistenced is installed


@dataclass(frozen=True, slots=True)
class PciGpu:
    """An NVIDIA GPU on the PCI bus. Widths in lanes, 0 = not told."""

    address: str
    driver: str = ""  # kernel driver that is bound to it
    width: int = 0
    max_width: int = 0
    iommu: str = ""  # how its group translates: identity, DMA, DMA-FQ; empty = no IOMMU
    redirects: tuple[str, ...] = ()  # switch ports above it that send peers' traffic upwards


@dataclass(frozen=True, slots=True)
class Card:
    """What else NVML tells of a GPU. None = it does not tell."""

    index: int
    persistence: bool | None = None
    limit_watts: float | None = None
    default_watts: float | None = None
    slowdown: int | None = None  # degrees Celsius at which it throttles
    reasons: int = 0  # why its clocks are not higher, as bits
    ecc_total: int = 0  # uncorrectable errors of its whole life
    row_failure: bool = False  # a failing row could not be replaced
    repair_pending: bool = False  # bad memory is put aside at the next reset


@dataclass(frozen=True, slots=True)
class Peers:
    """Whether GPUs reach each other's memory directly: (a, b) -> NVML's word for it."""

    status: Mapping[tuple[int, int], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rules:
    """What systemd thinks a container may open; after a daemon-reload, that is what it may."""

    everything: bool = False
    allowed: tuple[str, ...] = ()  # `195:0`, `195:*`; only those for reading and writing


@dataclass(frozen=True, slots=True)
class Guest:
    """A running container, as far as the host's health depends on it."""

    service: Service
    container: Container
    privileged: bool = False
    log_driver: str = ""
    log_bounded: bool = True
    log_mib: int | None = None  # None = may not be looked at
    shm_mib: int = 0
    own_shm: bool = True  # not the host's
    built_here: bool = False  # its image comes from no registry
    rules: Rules | Unavailable = NOT_ASKED

    @property
    def name(self) -> str:
        return self.container.name


@dataclass(frozen=True, slots=True)
class Engine:
    """The Docker daemon and what it runs."""

    daemon: Daemon
    root: str = ""
    guests: tuple[Guest, ...] = ()
    bridges: tuple[Bridge, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """daemon.json. `text` is empty where there is none."""

    path: str
    text: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    error: str = ""  # why it is no JSON
    flags: tuple[str, ...] | None = None  # of the daemon that runs; None = not known


@dataclass(frozen=True, slots=True)
class Route:
    """A network that the host reaches through one of its interfaces."""

    network: str
    interface: str


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds GPU memory and is in no container that Docker knows."""

    pid: int
    gpu: int
    used_mib: int
    name: str = ""  # empty = it cannot be seen from here
    user: str = ""
    unit: str = ""  # the systemd unit it belongs to
    foreign: str = ""  # a container that this Docker does not know
    orphan: bool = False  # its parent has gone


@dataclass(frozen=True, slots=True)
class HostFacts:
    """Everything that the doctor looks at, gathered once. A failure is a value."""

    driver: Driver | Unavailable = NOT_ASKED
    kernel: Kernel = Kernel()
    devices: Devices = Devices()
    specs: tuple[CdiSpec | Unavailable, ...] = ()
    toolkit: Toolkit = Toolkit()
    pci: tuple[PciGpu, ...] | Unavailable = NOT_ASKED
    cards: tuple[Card, ...] = ()
    peers: Peers = Peers()
    xids: tuple[Xid, ...] | Unavailable = NOT_ASKED
    engine: Engine | Unavailable = NOT_ASKED
    config: Config | Unavailable = NOT_ASKED
    routes: tuple[Route, ...] | Unavailable = NOT_ASKED
    firewall: Firewall | Unavailable = NOT_ASKED
    holders: tuple[Holder, ...] = ()
    space: tuple[Space, ...] = ()
    host_shm: Space | None = None
    compose: str | Unavailable = NOT_ASKED
    root: bool = True  # whether we are root
    unread: tuple[str, ...] = ()  # what only root may look at


@dataclass(frozen=True, slots=True)
class Mend:
    """A repair that stackctl may do by itself: what is run or written, and why that is safe."""

    what: str
    safe: str
    argv: tuple[str, ...] = ()
    keep: str = ""  # a file that the program writes: a copy of the old one is kept
    path: str = ""  # a file to write instead, its old text kept beside it
    text: str = ""
    old: str = ""  # what the file held when it was looked at; empty = there was none
    prove: tuple[str, ...] = ()  # run on the draft before it takes the file's place
    needs_root: bool = True
    after: str = ""  # what is left to the owner


@dataclass(frozen=True, slots=True)
class Look:
    """One check of the doctor: a pure function of HostFacts. `group` is the heading it is under;
    `needs` names fields of HostFacts without which it is left out."""

    id: str
    title: str
    group: str
    examine: Callable[[HostFacts], Iterable[Finding]]
    needs: tuple[str, ...] = ()


#: the key in a finding's values under which its repair is found
MEND = "mend"


def mend_of(finding: Finding) -> Mend | None:
    """The safe repair of a finding, if there is one."""
    found = finding.values.get(MEND)
    return found if isinstance(found, Mend) else None
