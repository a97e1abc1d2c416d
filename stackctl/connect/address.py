"""By which URL clients reach the gateway, and what is missing for others to reach it. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from stackctl.model import Port, StackError
from stackctl.model.network import PLAIN, TLS

_EXAMPLE = "e.g. --address 192.168.1.20, or https://ai.example.org"
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Door:
    """What is known of the ways in. `ports`: those of the gateway's container. `names`: those of
    the certificate it serves, empty without one. `own`: this machine's addresses for others."""

    ports: tuple[Port, ...]
    names: tuple[str, ...] = ()
    own: tuple[str, ...] = ()

    def tls(self) -> tuple[Port, ...]:
        """Where TLS is served; the port of a gateway without a certificate answers nobody."""
        return tuple(p for p in self.ports if p.container == TLS and self.names)

    def plain(self) -> tuple[Port, ...]:
        return tuple(p for p in self.ports if p.container == PLAIN)


def best(door: Door) -> str:
    """TLS for others, else plain HTTP for others where the owner said so, else this machine alone:
    `https://192.168.1.20:8443`. StackError if nothing is published."""
    for port in door.tls():
        if not port.loopback and (host := _host(port, door)):
            return origin("https", host, port.host)
    for port in door.plain():
        if not port.loopback and (host := _near(port, door.own)):
            return origin("http", host, port.host)
    for scheme, ports in (("http", door.plain()), ("https", door.tls())):
        for port in ports:
            host = _LOOPBACK if port.everywhere else port.address
            return origin(scheme, host, port.host)
    raise StackError(
        "the gateway publishes no port by which clients could come",
        fix="stackctl restart gateway makes its container anew",
    )


def written(ports: Sequence[Port], *, tls: bool) -> str:
    """The URL that stands in the page until a browser knows better: what only this moment tells,
    the machine's addresses, must not change it. ADDRESS stands for them."""
    try:
        return best(Door(tuple(ports), ("localhost",) if tls else (), ("ADDRESS",)))
    except StackError:
        return "http://ADDRESS"


def missing(door: Door) -> tuple[str, ...]:
    """What the owner has to do so that other machines come in, in this order."""
    inside = next((p for p in door.ports if p.container == TLS), None)
    bound = inside is not None and not inside.loopback
    steps = []
    if not bound:
        example = next(iter(door.own), "THIS MACHINE'S LAN ADDRESS")
        steps.append(f"GATEWAY_BIND={example} in env/stack.env")
    if not door.names:
        steps.append("stackctl tls init")
    return (*steps, "stackctl up gateway") if not bound else tuple(steps)


def at(host: str, door: Door) -> str:
    """The URL for a name or an address that the owner chose, in the form that certificates have."""
    for scheme, ports in (("https", door.tls()), ("http", door.plain())):
        for port in ports:
            if _leads(host, port):
                return origin(scheme, host, port.host)
    known = ", ".join(port.where for port in door.ports if port.container in (TLS, PLAIN))
    raise StackError(
        f"the gateway does not listen on {host}",
        fix=f"it is published on {known or 'no port'}; for a router's port: "
        "--address https://NAME:PORT",
        exit_code=2,
    )


def typed(text: str) -> str:
    """A URL as its owner types it -> its origin. StackError of what is none."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https") or parts.username is not None:
        raise _bad(text, "no URL of http or https")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _bad(text, "a path is not wanted: /v1 is added where it belongs")
    if not _hostname(host):
        raise _bad(text, "no name of a machine, in ASCII, and no address")
    return origin(parts.scheme, host, port)


def origin(scheme: str, host: str, port: int | None) -> str:
    """As a browser writes it: without the port that goes without saying."""
    shown = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{shown}" + ("" if port in (None, usual) else f":{port}")


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def port_of(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or {"http": 80, "https": 443}[parts.scheme]


def loopback(url: str) -> bool:
    """Whether only this machine comes in by a URL."""
    host = host_of(url)
    if found := _address(host):
        return found.is_loopback
    return host == "localhost"


def covered(host: str, names: Sequence[str]) -> bool:
    """Whether a certificate for `names` is one for `host`."""
    _, _, domain = host.partition(".")
    return host in names or f"*.{domain}" in names


def _host(port: Port, door: Door) -> str:
    """By what to call a port of TLS: an address of the certificate's, else a name of its."""
    addresses = door.own if port.everywhere else (port.address,)
    for address in addresses:
        if address in door.names:
            return address
    named = (n for n in door.names if _address(n) is None and "*" not in n and n != "localhost")
    return next(named, "") or next(iter(addresses), "")


def _near(port: Port, own: Sequence[str]) -> str:
    return next(iter(own), "") if port.everywhere else port.address


def _leads(host: str, port: Port) -> bool:
    """Whether a host may be this port's; of a name only its owner can tell."""
    address = _address(host)
    if address is None:
        return host != "localhost" or port.everywhere or port.loopback
    return port.everywhere or port.address == host


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _hostname(host: str) -> bool:
    name = host.replace(".", "").replace("-", "").replace("_", "")
    # the zone of an IPv6 address may be any text
    numeric = _address(host) is not None and "%" not in host
    return numeric or (name.isalnum() and name.isascii())


def _bad(text: str, why: str) -> StackError:
    return StackError(f"--address {text}: {why}", fix=_EXAMPLE, exit_code=2)
