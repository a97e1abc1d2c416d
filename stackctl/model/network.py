"""The way from a client to the gateway, as a frozen snapshot: everything `stackctl net` judges."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from stackctl.model.errors import NOT_ASKED, Unavailable
from stackctl.model.forwarding import Entry
from stackctl.model.service import Port

#: ports of the gateway inside its container
TLS, PLAIN, ACME, METRICS = 8443, 8080, 8081, 8404


class Meaning(StrEnum):
    """What an answer, or that there was none, says of whom was reached."""

    DOOR = "door"  # the gateway: it wants a key
    OPEN = "open"  # somebody lists models without any key
    OTHER = "other"  # some other program
    PLAIN = "plain"  # a program that speaks no TLS, and was asked by TLS
    NAME = "name"  # the name has no address
    REFUSED = "refused"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    RESET = "reset"  # connected, and cut off without an answer
    TLS = "tls"  # no TLS came about


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for `GET /v1/models` without a key; `failure`: why nothing did."""

    failure: Meaning | None = None
    detail: str = ""  # of a failure
    status: int = 0
    server: str = ""  # who it says it is
    location: str = ""  # where it sends us
    body: str = ""  # its beginning
    distrust: str = ""  # why its certificate is not to be trusted; empty = it is, or no TLS
    local: str = ""  # our own address in that connection
    peer: str = ""  # the other one's

    @property
    def meaning(self) -> Meaning:
        """The gateway's 401 and 429 have OpenAI's shape with all its fields; no engine's have."""
        if self.failure:
            return self.failure
        try:
            told = json.loads(self.body)
        except ValueError:
            return Meaning.OTHER
        if not isinstance(told, dict):
            return Meaning.OTHER
        if self.status == 200 and isinstance(told.get("data", told.get("models")), list):
            return Meaning.OPEN
        error = told.get("error")
        shaped = isinstance(error, dict) and {"message", "type", "param", "code"} <= error.keys()
        return Meaning.DOOR if shaped and self.status in (401, 429) else Meaning.OTHER


@dataclass(frozen=True, slots=True)
class Address:
    """An address of one of this machine's interfaces. `seconds` left of it; None = for ever."""

    interface: str
    address: str
    prefix: int
    seconds: int | None = None
    temporary: bool = False  # of IPv6: another one tomorrow
    mac: str = ""

    @property
    def network(self) -> str:
        return str(ipaddress.ip_interface(f"{self.address}/{self.prefix}").network)


@dataclass(frozen=True, slots=True)
class Uplink:
    """The default route: through which interface, to which router."""

    interface: str
    router: str
    address: str = ""  # our own on this way
    leased: str = ""  # who says that the address is a lease; empty = nobody
    answers: bool | None = None  # the router, on the LAN; None = cannot be told


@dataclass(frozen=True, slots=True)
class Published:
    """A port that Docker publishes, and whose it is."""

    container: str
    role: str  # of the stack; empty = somebody else's container
    port: Port
    proxied: bool = False  # a program of Docker's takes IPv6 to a container that has none


@dataclass(frozen=True, slots=True)
class Door:
    """The gateway's container."""

    container: str
    project: str
    state: str
    error: str = ""  # the daemon's, why it did not start
    address: str = ""  # its own, on Docker's network
    six: bool = False  # whether it has one of IPv6
    ports: tuple[Port, ...] = ()

    @property
    def running(self) -> bool:
        return self.state == "running"

    def published(self, inside: int) -> tuple[Port, ...]:
        return tuple(port for port in self.ports if port.container == inside)


@dataclass(frozen=True, slots=True)
class Router:
    """What a router tells of itself by UPnP or NAT-PMP."""

    external: str = ""  # its address on the other side
    mapping: Entry | Unavailable | None = None  # of the port that leads to the gateway


class Guard(StrEnum):
    """Who has rules where Docker leaves room for the owner's (DOCKER-USER)."""

    NONE = "none"
    OURS = "ours"
    STALE = "stale"  # ours, of other ports or networks than there are now
    OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Bridge:
    """A network of Docker's that has an interface on the host."""

    name: str
    interface: str
    subnets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Firewall:
    """ufw, and whether somebody took care of Docker's way past it."""

    active: bool = False
    denies: bool = False
    allowed: tuple[str, ...] | Unavailable = ()  # ports: 22, 8000:8010; empty text = any
    guards_docker: bool = False  # rules of its own in the chain DOCKER-USER


@dataclass(frozen=True, slots=True)
class Network:
    """All of it. A failure is a value. What only `stackctl net` asks is NOT_ASKED elsewhere."""

    door: Door | None = None  # None: there is no such container
    others: tuple[Published, ...] = ()  # what running containers beside the gateway publish
    bind: str = ""  # GATEWAY_BIND as the owner has it now
    port: int = TLS  # GATEWAY_PORT
    addresses: tuple[Address, ...] | Unavailable = NOT_ASKED
    uplink: Uplink | Unavailable | None = NOT_ASKED  # None: no default route
    bridges: tuple[Bridge, ...] = ()
    holder: str = ""  # who else listens on a port of a gateway that does not run
    wall: Firewall | Unavailable = NOT_ASKED
    firewalld: bool = False
    guard: Guard | Unavailable = NOT_ASKED
    inside: Reply | Unavailable = NOT_ASKED  # asked at the container's own address
    replies: Mapping[Port, Reply] = field(default_factory=dict)  # asked from this host
    router: Router | Unavailable = NOT_ASKED
    hairpin: Reply | Unavailable = NOT_ASKED  # the external address, asked from here


#: nothing was asked: no gateway is known, so that nothing is judged
NO_NETWORK = Network()
