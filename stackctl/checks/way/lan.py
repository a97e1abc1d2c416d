"""The LAN: does this machine keep its address, does the router answer, does Docker hide the LAN?"""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.checks.doctor import network as doctor
from stackctl.checks.way.step import Step
from stackctl.checks.way.words import found, lan_address, public
from stackctl.model import Daemon, Finding, Severity, Unavailable
from stackctl.model.host import Engine, HostFacts, Route
from stackctl.model.network import Network, Uplink


def router(network: Network) -> Iterable[Finding]:
    """Is there a way out of this machine, and does the next one on it answer?"""
    name, where, up = "net.lan", "LAN", network.uplink
    assert not isinstance(up, Unavailable)
    if up is None:
        yield found(
            name,
            Severity.ERROR,
            where,
            "this machine has no default route",
            cause="no cable, no DHCP answer, or a broken setting: nobody outside can be answered",
            fix="ip route; ip link; sudo networkctl status (or: nmcli device)",
        )
    elif not up.router:
        yield found(name, Severity.OK, where, f"{up.interface} leads out, without a router")
    elif up.answers is False:
        yield found(
            name,
            Severity.ERROR,
            where,
            f"the router {up.router} does not answer on {up.interface}",
            evidence=f"ip neigh show {up.router}: FAILED",
            cause="a cable, a switch, the router itself, or a wrong address of it",
            fix=f"ping {up.router}; ip -4 route show default",
        )
    else:
        told = "answers" if up.answers else "was not asked"
        text = f"{up.address or 'no address'} on {up.interface}, router {up.router} {told}"
        yield found(name, Severity.OK if up.answers else Severity.SKIPPED, where, text)


def lease(network: Network) -> Iterable[Finding]:
    """Will the address be the same tomorrow? A router's rule names it."""
    up, at = network.uplink, lan_address(network)
    if not isinstance(up, Uplink) or not at or public(at):
        return
    if not up.leased or at != up.address:
        yield found("net.lease", Severity.OK, "address", f"{at} is set on this machine")
        return
    known = network.addresses if not isinstance(network.addresses, Unavailable) else ()
    mac = next((a.mac for a in known if a.address == at and a.mac), "")
    yield found(
        "net.lease",
        Severity.WARNING,
        "address",
        f"{at} is a lease of DHCP and may change",
        evidence=up.leased,
        cause="a router's forwarding, and GATEWAY_BIND, name the address and not the machine",
        fix=f"reserve {at} in the router{f' for {mac}' if mac else ''} (often called static DHCP)",
        mac=mac,
    )


def overlap(network: Network) -> Iterable[Finding]:
    """Docker's networks and the owner's: as the doctor sees it."""
    known = network.addresses
    assert not isinstance(known, Unavailable)
    routes = tuple(Route(a.network, a.interface) for a in known if ":" not in a.address)
    engine = Engine(daemon=Daemon(version=""), bridges=network.bridges)
    yield from doctor.overlap(HostFacts(engine=engine, routes=routes))


STEPS = (
    Step("net.lan", "The router answers", "lan", router, ("uplink",)),
    Step("net.lease", "The address stays the same", "lan", lease),
    Step("net.overlap", "Docker hides nothing of the LAN", "lan", overlap, ("addresses",)),
)
