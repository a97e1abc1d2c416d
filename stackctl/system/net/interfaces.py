"""Addresses, the default route and its router, by iproute2's JSON."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from stackctl.model import StackError, Unavailable
from stackctl.model.network import Address, Uplink
from stackctl.system import process
from stackctl.system.host import tree

#: how iproute2 writes an address that stays
_FOR_EVER = 4294967295
#: port of a service that throws away what it gets
_DISCARD = 9
#: where clients of DHCP keep what they were given
_LEASES = (
    "/run/systemd/netif/leases",
    "/var/lib/NetworkManager",
    "/var/lib/dhcp",
    "/var/lib/dhcpcd",
)


def addresses() -> tuple[Address, ...] | Unavailable:
    """Of all interfaces that are up, loopback's as well."""
    found = _ip("address", "show", "up")
    return found if isinstance(found, Unavailable) else read_addresses(found)


def read_addresses(raw: Iterable[Mapping[str, Any]]) -> tuple[Address, ...]:
    """`ip -j address` -> addresses; those of a link alone are left out. Pure."""
    return tuple(
        Address(
            interface=link.get("ifname", ""),
            address=each["local"],
            prefix=int(each["prefixlen"]),
            seconds=_seconds(each.get("valid_life_time", _FOR_EVER)),
            temporary=bool(each.get("temporary")),
            mac=link.get("address", "") if link.get("link_type") == "ether" else "",
        )
        for link in raw
        for each in link.get("addr_info", ())
        if each.get("local") and each.get("scope") != "link"
    )


def uplink(
    known: tuple[Address, ...], root: Path = tree.ROOT, *, ask: bool = True
) -> Uplink | Unavailable | None:
    """The IPv4 default route; None if there is none. `ask`: whether its router is still there."""
    found = _ip("-4", "route", "show", "default")
    if isinstance(found, Unavailable):
        return found
    up = read_uplink(found, known)
    if up is None:
        return None
    leased = up.leased or lease_file(up.address, root)
    answers = _answers(up) if ask and up.router else None
    return Uplink(up.interface, up.router, up.address, leased, answers)


def read_uplink(raw: Iterable[Mapping[str, Any]], known: tuple[Address, ...]) -> Uplink | None:
    """`ip -j route show default` -> the way that is taken, the one of the least metric. Pure."""
    routes = sorted((r for r in raw if r.get("dev")), key=lambda r: int(r.get("metric", 0)))
    if not routes:
        return None
    route = routes[0]
    mine = [a for a in known if a.interface == route["dev"] and ":" not in a.address]
    own = next((a for a in mine if a.address == route.get("prefsrc")), mine[0] if mine else None)
    leased = "the route says dhcp" if route.get("protocol") == "dhcp" else ""
    if own and own.seconds is not None:
        leased = f"it ends in {own.seconds} s unless it is renewed"
    return Uplink(route["dev"], route.get("gateway", ""), own.address if own else "", leased)


def lease_file(address: str, root: Path = tree.ROOT) -> str:
    """The file in which a DHCP client keeps this address; "" if none does, or none for us."""
    if not address:
        return ""
    for folder in _LEASES:
        for path in tree.entries(root, folder):
            with suppress(OSError, UnicodeDecodeError):
                if path.is_file() and _names(path.read_text(), address):
                    return str(path)
    return ""


def _names(text: str, address: str) -> bool:
    """`fixed-address 192.168.1.20;` of dhclient, `ADDRESS=192.168.1.20` of the others. Pure."""
    return address in text.replace("=", " ").replace(";", " ").split()


def _seconds(life: int) -> int | None:
    return None if life == _FOR_EVER else life


def _answers(up: Uplink) -> bool | None:
    """Whether the router answers ARP: to send it anything is to ask, and needs no rights."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
        knock.settimeout(1)
        knock.sendto(b"", (up.router, _DISCARD))
    for _ in range(20):
        found = _ip("neigh", "show", up.router, "dev", up.interface)
        if isinstance(found, Unavailable):
            return None
        states = {state for each in found for state in each.get("state", ())}
        if states and "INCOMPLETE" not in states:
            return "FAILED" not in states
        time.sleep(0.2)
    return False


def _ip(*words: str) -> list[dict[str, Any]] | Unavailable:
    try:
        result = process.run(["ip", "-j", *words], timeout=10)
        if result.code:
            return Unavailable(f"ip {' '.join(words)}: {result.err.strip()[:200]}")
        found = json.loads(result.out or "[]")
    except StackError as error:
        return Unavailable(error.message)
    except ValueError:
        return Unavailable("this `ip` knows no JSON: iproute2 4.13 or newer is needed")
    return [each for each in found if isinstance(each, dict)]
