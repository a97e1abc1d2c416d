"""The way as a drawing, as rows of a table, and as the rules that a router's page asks for. Pure,
ASCII only."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stackctl.model import Finding, Severity, Unavailable
from stackctl.model.forwarding import Entry
from stackctl.model.network import ACME, TLS, Address, Network, Router, Uplink

#: from the outside inwards: where a client comes from, and the name that a check gives the hop
HOPS = ("internet", "router", "lan", "host", "docker", "container")
_MARK = {
    Severity.OK: "ok",
    Severity.SKIPPED: "??",
    Severity.WARNING: "!!",
    Severity.ERROR: "XX",
}
_STATE = {
    Severity.OK: "ok",
    Severity.SKIPPED: "unknown",
    Severity.WARNING: "warning",
    Severity.ERROR: "ERROR",
}
LEGEND = "ok fine, !! warning, XX error, ?? not known"
_RANK = (Severity.OK, Severity.SKIPPED, Severity.WARNING, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop of the way: its name, what stands there, what was found about it."""

    name: str
    place: str
    findings: tuple[Finding, ...]

    @property
    def severity(self) -> Severity:
        return max((f.severity for f in self.findings), key=_RANK.index, default=Severity.SKIPPED)

    @property
    def state(self) -> str:
        """For programs: ok, unknown, warning or error."""
        return _STATE[self.severity].lower()


def hops(network: Network, found: Iterable[tuple[str, Sequence[Finding]]]) -> tuple[Hop, ...]:
    """`found`: hop's name -> what was found there."""
    pairs = list(found)
    return tuple(
        Hop(name, _place(name, network), tuple(f for at, fs in pairs if at == name for f in fs))
        for name in HOPS
    )


def draw(way: Sequence[Hop]) -> str:
    """From the client down to the container: the mark before a hop is how one gets into it."""
    lines = ["     client"]
    for hop in way:
        lines += ["       |", f" {_MARK[hop.severity]}    v", f"     {_TITLE[hop.name]}{hop.place}"]
    return "\n".join([*lines, "", f" {LEGEND}"])


def rows(way: Sequence[Hop]) -> list[tuple[str, str, str]]:
    """Hop, state, what was found: a row a finding, the hop named once."""
    table = []
    for hop in way:
        for n, finding in enumerate(hop.findings):
            name = _TITLE[hop.name].strip() if n == 0 else ""
            table.append((name, _STATE[finding.severity], f"{finding.subject}: {finding.summary}"))
    return table


def rules(network: Network) -> tuple[str, ...]:
    """What to type into the router, literally. The host's port, never the container's."""
    port, at = _port(network), address(network)
    if not at or _public(at):
        return ()
    lines = [f"external TCP {port} -> {at}:{port}  (host port, not the container's)"]
    proofs = network.door.published(ACME) if network.door else ()
    lines += [
        f"external TCP 80 -> {at}:{p.host}  (proofs for ACME alone, host port)"
        for p in proofs
        if not p.loopback and ":" not in p.address
    ]
    lines += [
        f"IPv6: allow incoming TCP {port} to {six.address}  (no forwarding, no NAT)"
        for six in _six(network)
    ]
    return tuple(lines)


def address(network: Network) -> str:
    """This machine's, as the router must name it."""
    known = network.addresses
    own = () if isinstance(known, Unavailable) else tuple(a.address for a in known)
    ports = network.door.published(TLS) if network.door else ()
    for port in ports:
        if not port.everywhere and not port.loopback and port.address in own:
            return port.address
    return network.uplink.address if isinstance(network.uplink, Uplink) else ""


def _port(network: Network) -> int:
    ports = network.door.published(TLS) if network.door else ()
    return ports[0].host if ports else network.port


def _six(network: Network) -> tuple[Address, ...]:
    """Public addresses that stay, where the gateway is bound to them."""
    known = network.addresses
    if isinstance(known, Unavailable) or network.door is None:
        return ()
    bound = {port.address for port in network.door.published(TLS)}
    return tuple(
        a
        for a in known
        if ":" in a.address
        and _public(a.address)
        and not a.temporary
        and bound & {"", "::", a.address}
    )


_TITLE = {
    "internet": "internet         ",
    "router": "router           ",
    "lan": "LAN              ",
    "host": "this machine     ",
    "docker": "Docker's mapping ",
    "container": "container        ",
}


def _place(name: str, network: Network) -> str:
    port, door, up = _port(network), network.door, network.uplink
    router = network.router if isinstance(network.router, Router) else None
    match name:
        case "internet":
            entry = router.mapping if router else None
            outer = entry.external if isinstance(entry, Entry) else port
            return f"https://{(router.external if router else '') or '?'}:{outer}"
        case "router":
            return up.router if isinstance(up, Uplink) and up.router else "none"
        case "lan":
            known = () if isinstance(network.addresses, Unavailable) else network.addresses
            mine = [a for a in known if a.address == address(network)]
            return f"{mine[0].network} on {mine[0].interface}" if mine else "?"
        case "host":
            return f"{address(network) or '?'}:{port}"
        case "docker":
            ports = door.published(TLS) if door else ()
            return ", ".join(f"{p.where} -> {p.container}" for p in ports) or "nothing published"
        case _:
            at = f" {door.address}:{TLS}" if door and door.address else ""
            return f"{door.container}{at}" if door else "no gateway"


def _public(text: str) -> bool:
    return ipaddress.ip_address(text).is_global
