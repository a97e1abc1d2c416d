"""The router and the internet: what it forwards, whether it has a public address, IPv6."""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.checks.way.step import Step
from stackctl.checks.way.words import (
    AGAIN,
    described,
    found,
    host_port,
    lan_address,
    own_addresses,
    public,
    shared,
    tls_ports,
)
from stackctl.model import Finding, Severity, Unavailable
from stackctl.model.network import Meaning, Network

_PROBE = "stackctl net probe https://NAME-OR-ADDRESS:PORT asks from a second machine"


def nat(network: Network) -> Iterable[Finding]:
    """Has the router an address that the internet reaches?"""
    name, where, at = "net.nat", "router", lan_address(network)
    if at and public(at):
        text = f"{at} is a public address: the internet reaches this machine without forwarding"
        yield found(name, Severity.OK, where, text)
        return
    router = network.router
    if isinstance(router, Unavailable):
        text = f"its address outside is not known: {router.reason}"
        fix = "see its status page; a private or 100.64-100.127 address there means no way in"
        yield found(name, Severity.SKIPPED, where, text, fix=fix)
    elif not router.external:
        yield found(
            name,
            Severity.WARNING,
            where,
            "it has no address outside",
            cause="it has no connection to the internet at the moment",
            fix="see its status page",
        )
    elif public(router.external):
        yield found(name, Severity.OK, where, f"its address outside is {router.external}")
    else:
        provider = shared(router.external)
        yield found(
            name,
            Severity.WARNING,
            where,
            f"its address outside is {router.external}: "
            + ("shared with other customers (CGNAT)" if provider else "behind another router"),
            cause="a port that this router forwards is not reached from the internet"
            if provider
            else "double NAT: what this router forwards, the one before it does not",
            fix="ask the provider for a public IPv4 address, use IPv6, or a VPN or tunnel to a "
            "machine that has one"
            if provider
            else "forward on the first router to this one as well, or set one of them to bridge "
            "mode (DMZ host)",
            external=router.external,
        )


def mapping(network: Network) -> Iterable[Finding]:
    """Does the router forward to this machine, and to the port that Docker has on the host?"""
    name, where, router = "net.mapping", "forwarding", network.router
    at, port = lan_address(network), host_port(network)
    if at and public(at):
        return
    if isinstance(router, Unavailable):
        text = "not known; a rule that was typed in by hand is told by no router"
        yield found(name, Severity.SKIPPED, where, text)
        return
    rule = router.mapping
    if isinstance(rule, Unavailable):
        yield found(name, Severity.SKIPPED, where, f"it does not tell: {rule.reason}", fix=_PROBE)
        return
    if rule is None:
        text = f"no UPnP entry for TCP {port}; a rule typed in by hand would not be listed"
        fix = f"type the rule below in, or: stackctl net forward add; {_PROBE}"
        yield found(name, Severity.SKIPPED, where, text, fix=fix)
        return
    told = f"external TCP {rule.external} -> {rule.address}:{rule.port}"
    if rule.address not in own_addresses(network):
        wrong = f"{rule.address} is no address of this machine"
        cause = "another machine asked for it, or this one had another address then"
    elif rule.port != port:
        inside = {p.container for p in tls_ports(network)}
        wrong = f"the gateway's port on this machine is {port}, not {rule.port}"
        cause = (
            "it is the container's port: a router knows nothing of containers"
            if rule.port in inside
            else "the gateway was moved to another port since"
        )
    else:
        yield found(name, Severity.OK, where, told)
        return
    yield found(
        name,
        Severity.ERROR,
        where,
        f"the router forwards elsewhere: {wrong}",
        evidence=told,
        cause=cause,
        fix="stackctl net forward remove; stackctl net forward add",
    )


def reach(network: Network) -> Iterable[Finding]:
    """Does our own external address lead to the gateway, tried from here?"""
    name, where, reply = "net.reach", "internet", network.hairpin
    if isinstance(reply, Unavailable):
        text = f"not tried: {reply.reason}"
        yield found(name, Severity.SKIPPED, where, text, fix=_PROBE)
    elif reply.meaning is Meaning.DOOR:
        yield found(name, Severity.OK, where, "the address outside leads to the gateway")
    elif reply.meaning is Meaning.OPEN:
        yield found(
            name,
            Severity.ERROR,
            where,
            "the address outside leads to an engine that asks nobody for a key",
            evidence=described(reply),
            cause="the router forwards to an engine's port, not to the gateway's",
            fix=f"in the router: external TCP {host_port(network)} -> "
            f"{lan_address(network)}:{host_port(network)}, and take the other rule away",
        )
    else:
        text = (
            f"from here: {described(reply)}. That proves nothing: many routers do not lead "
            "their own LAN back in"
        )
        yield found(name, Severity.SKIPPED, where, text, fix=_PROBE)


def ipv6(network: Network) -> Iterable[Finding]:
    """IPv6 has no NAT: is the gateway open by it, and does it still see who comes?"""
    assert not isinstance(network.addresses, Unavailable)
    name, where, door = "net.ipv6", "IPv6", network.door
    stable = [
        a.address
        for a in network.addresses
        if ":" in a.address and public(a.address) and not a.temporary
    ]
    if door is None:
        return
    bound = [p for p in tls_ports(network) if p.address in ("", "::", *stable)]
    if not bound:
        told = f"this machine has {', '.join(stable)}; " if stable else "no public address; "
        yield found(name, Severity.OK, where, f"{told}the gateway is not bound to it")
    elif not door.six:
        yield found(
            name,
            Severity.WARNING,
            where,
            f"{bound[0].where}: every client by IPv6 looks like Docker itself",
            cause="the container has no IPv6 address, so a program of Docker's takes the "
            "connection: who sends wrong keys by IPv6 slows down everybody who comes that way",
            fix="give its network IPv6 (enable_ipv6: true), or bind IPv4 alone: "
            f"GATEWAY_BIND=0.0.0.0, {AGAIN}",
        )
    elif stable:
        text = (
            f"{', '.join(stable)}: open without any NAT, unless the router's firewall stops it "
            "(there: allow TCP to that address and port)"
        )
        yield found(name, Severity.OK, where, text)
    else:
        yield found(name, Severity.OK, where, f"{bound[0].where}; no public address to reach it by")


STEPS = (
    Step("net.nat", "The router has a public address", "router", nat),
    Step("net.mapping", "It forwards to the gateway's port on this machine", "router", mapping),
    Step("net.reach", "The address outside leads to the gateway", "internet", reach),
    Step("net.ipv6", "IPv6", "internet", ipv6, ("addresses",)),
)
