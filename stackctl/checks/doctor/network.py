"""Docker's networks beside the owner's, and ports that the firewall does not guard."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from stackctl.checks.doctor.words import count, listed, ok
from stackctl.model import Finding, Severity, Unavailable
from stackctl.model.host import Config, Engine, Firewall, HostFacts, Look

_GROUP = "Network"
_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - looked for, not bound


def overlap(facts: HostFacts) -> Iterable[Finding]:
    """A network of Docker's that hides a part of the owner's."""
    assert isinstance(facts.engine, Engine)
    assert isinstance(facts.routes, tuple)
    bridges = facts.engine.bridges
    own = {bridge.interface for bridge in bridges}
    others = [
        (route, ipaddress.ip_network(route.network, strict=False))
        for route in facts.routes
        if route.interface not in own
    ]
    bad = False
    for bridge in bridges:
        subnets = [ipaddress.ip_network(subnet, strict=False) for subnet in bridge.subnets]
        hidden = [
            route
            for route, network in others
            if any(s.version == network.version and s.overlaps(network) for s in subnets)
        ]
        if hidden:
            bad = True
            where = [f"{route.network} on {route.interface}" for route in hidden]
            yield Finding(
                "net.overlap",
                Severity.WARNING,
                f"network {bridge.name}",
                f"its addresses {listed(bridge.subnets)} overlap with {listed(where)}",
                cause="machines of that network cannot be reached from here, or from containers; "
                "a session over it may end",
                fix=f"docker network rm {bridge.name}, set default-address-pools in "
                "/etc/docker/daemon.json to a range that nobody uses, sudo systemctl restart "
                "docker, stackctl up",
            )
    if not bad:
        yield ok(
            "net.overlap",
            "addresses",
            f"{count(len(bridges), 'network')} of Docker's, none hides another",
        )


def exposed(facts: HostFacts) -> Iterable[Finding]:
    """Published ports that ufw denies, and that are open all the same."""
    assert isinstance(facts.engine, Engine)
    assert isinstance(facts.firewall, Firewall)
    everywhere = _EVERYWHERE if _default_everywhere(facts) else _EVERYWHERE - {""}
    published = [
        (guest.name, port.host)
        for guest in facts.engine.guests
        for port in guest.service.ports
        if port.address in everywhere
    ]
    published = list(dict.fromkeys(published))
    wall = facts.firewall
    denied = [p for p in published if not _allowed(p[1], wall.allowed)]
    names = [f"{port} ({name})" for name, port in denied]
    if not wall.active or not wall.denies or wall.guards_docker or not denied:
        open_ports = sorted({port for _, port in published})
        told = f"open to everybody: {listed([str(p) for p in open_ports], 8)}"
        yield ok("net.exposed", "ports", told if open_ports else "none is open to everybody")
        return
    evidence = "bound to 0.0.0.0: " + listed(names)
    if isinstance(wall.allowed, Unavailable):
        evidence += "; which of them ufw allows is for root to read"
    yield Finding(
        "net.exposed",
        Severity.WARNING,
        "ports",
        f"{count(len(denied), 'port')} open to everybody, though ufw denies",
        evidence=evidence,
        cause="what Docker publishes goes past ufw; engines have no password",
        fix="bind them to this machine or to an address of the LAN (BIND_ADDRESS in "
        "env/stack.env; 127.0.0.1:PORT:PORT elsewhere), or close all but the gateway: "
        "sudo stackctl net firewall --install",
        values={"ports": sorted({port for _, port in denied})},
    )


def _default_everywhere(facts: HostFacts) -> bool:
    """Where Docker binds a port that names no address."""
    config = facts.config
    chosen = config.values.get("ip", "") if isinstance(config, Config) else ""
    return chosen in ("", "0.0.0.0", "::")  # noqa: S104


def _allowed(port: int, rules: tuple[str, ...] | Unavailable) -> bool:
    if isinstance(rules, Unavailable):
        return False
    for rule in rules:
        if not rule:
            return True
        for part in rule.split(","):
            first, _, last = part.partition(":")
            if first.isdecimal() and int(first) <= port <= int(last or first):
                return True
    return False


LOOKS = (
    Look(
        "net.overlap",
        "Docker's networks hide no other",
        _GROUP,
        overlap,
        needs=("engine", "routes"),
    ),
    Look(
        "net.exposed",
        "No port is open against the firewall's word",
        _GROUP,
        exposed,
        needs=("engine", "firewall"),
    ),
)
