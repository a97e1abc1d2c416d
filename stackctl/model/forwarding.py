"""Port forwarding on a router: what was asked of it, what it does, what it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from stackctl.model.errors import Unavailable


class Method(StrEnum):
    UPNP = "UPnP"
    NAT_PMP = "NAT-PMP"


class Refusal(StrEnum):
    """Why a router does not do it; the numbers are those of UPnP (WANIPConnection:2, 2.5)."""

    SILENT = "silent"  # no answer, or none that can be understood
    FORBIDDEN = "forbidden"  # 606: by its secure mode, or its list of ports
    NO_ENTRY = "no entry"  # 714
    CONFLICT = "conflict"  # 718, 729: the port is somebody else's
    SAME_PORT = "same port"  # 724: only the same port outside as inside
    PERMANENT = "permanent"  # 725: knows no leases
    FULL = "full"  # 728: no room for more
    NO_ADDRESS = "no address"  # NAT-PMP's 3: it has no address outside, or a private one
    OTHER = "other"


class Refused(Exception):
    """A router's no. `text` is what it said, in words of its protocol."""

    def __init__(self, why: Refusal, text: str = "") -> None:
        super().__init__(text or why)
        self.why = why
        self.text = text or str(why)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A forwarding that the owner asked for: `external` of `router` -> `address`:`port`, us."""

    method: Method
    router: str  # UPnP: the URL of its description; NAT-PMP: its address
    external: int
    address: str
    port: int
    lease: int  # seconds asked for; 0: the router knows no leases
    until: float  # epoch; 0.0: no end
    outside: str = ""  # the router's own address on the other side


@dataclass(frozen=True, slots=True)
class Entry:
    """What a router does with its port `external`. `left`: seconds of its lease, 0 is no end."""

    external: int
    address: str
    port: int
    name: str = ""
    left: int = 0


class Gate(Protocol):
    """A router that can be asked. Each raises Refused."""

    @property
    def method(self) -> Method: ...

    @property
    def url(self) -> str:
        """By which it is found again without a search: `Mapping.router`."""

    @property
    def here(self) -> str:
        """This machine's address, as the router sees it."""

    def outside(self) -> str:
        """The router's address on the other side; "" if it has none."""

    def entry(self, external: int) -> Entry | Unavailable | None:
        """What it does with a TCP port; unavailable by a protocol that cannot ask."""

    def add(self, external: int, port: int, lease: int) -> int:
        """Send `external` to our `port` for `lease` seconds; what was given, 0 is no end."""

    def remove(self, external: int, port: int) -> None:
        """Without a word if there is no such entry."""
