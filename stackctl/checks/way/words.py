"""What the checks of the way have in common."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from stackctl.model import Finding, Port, Severity, Unavailable
from stackctl.model.network import TLS, Meaning, Network, Reply

#: what is typed after a knob of the gateway was changed
AGAIN = "then: stackctl up gateway"
_SHARED = ipaddress.ip_network("100.64.0.0/10")


def found(
    check: str,
    severity: Severity,
    subject: str,
    summary: str,
    *,
    evidence: str = "",
    cause: str = "",
    fix: str = "",
    **values: object,
) -> Finding:
    """Shorter than the class, as these checks have many outcomes."""
    return Finding(check, severity, subject, summary, evidence, cause, fix, values)


def tls_ports(network: Network) -> tuple[Port, ...]:
    return network.door.published(TLS) if network.door else ()


def beyond(ports: Iterable[Port]) -> tuple[Port, ...]:
    """Those that other machines may reach."""
    return tuple(port for port in ports if not port.loopback)


def lan_address(network: Network) -> str:
    """Where the LAN finds this machine: the address that the gateway is bound to, else the one of
    the default route; "" if that is not known."""
    for port in beyond(tls_ports(network)):
        if not port.everywhere and port.address in own_addresses(network):
            return port.address
    up = network.uplink
    return up.address if up and not isinstance(up, Unavailable) else ""


def own_addresses(network: Network) -> frozenset[str]:
    known = network.addresses
    return frozenset() if isinstance(known, Unavailable) else frozenset(a.address for a in known)


def host_port(network: Network) -> int:
    """Of TLS, on the host: the one that a router must be told."""
    return next((port.host for port in tls_ports(network)), network.port)


def shared(address: str) -> bool:
    """A provider's NAT (CGNAT) has it; many customers are behind one public address."""
    parsed = ipaddress.ip_address(address)
    return parsed.version == 4 and parsed in _SHARED


def public(address: str) -> bool:
    return ipaddress.ip_address(address).is_global


def described(reply: Reply) -> str:
    """What somebody else's answer looks like, in a few words."""
    if reply.failure:
        return reply.detail or str(reply.failure)
    parts = [f"answers {reply.status}"]
    parts += [f"is {reply.server}"] if reply.server else []
    parts += [f"sends to {reply.location}"] if reply.location else []
    if reply.meaning is Meaning.OPEN:
        parts.append("lists models without a key")
    return ", ".join(parts)
