"""This machine: is the gateway bound to an address of its own, with TLS, past which firewall?"""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.checks.way.step import Step
from stackctl.checks.way.words import (
    AGAIN,
    beyond,
    described,
    found,
    host_port,
    lan_address,
    own_addresses,
    public,
    tls_ports,
)
from stackctl.model import Finding, Port, Severity, Unavailable
from stackctl.model.network import ACME, PLAIN, TLS, Guard, Meaning, Network, Router

#: port inside -> what says on which address of the host it is
_KNOBS = {TLS: "GATEWAY_BIND", PLAIN: "GATEWAY_HTTP_BIND", ACME: "GATEWAY_ACME_BIND"}
#: how a certificate is refused that is another machine's, or another name's
_MISMATCH = ("mismatch", "doesn't match", "not valid for")


def address(network: Network) -> Iterable[Finding]:
    """Is it an address of this machine that the gateway is bound to?"""
    door = network.door
    if door is None:
        return
    own, name = own_addresses(network), "net.address"
    ports = [p for p in beyond(door.ports) if p.container in _KNOBS]
    wrong = [p for p in ports if not p.everywhere and p.address not in own]
    for port in dict.fromkeys(p.address for p in wrong):
        router = network.router
        theirs = isinstance(router, Router) and router.external == port
        knob = next(_KNOBS[p.container] for p in wrong if p.address == port)
        yield found(
            name,
            Severity.ERROR,
            "address",
            f"the gateway is bound to {port}, which is no address of this machine",
            evidence=f"this machine has {', '.join(sorted(own)) or 'no address'}",
            cause="it is the router's address: bind to this machine's own, the router leads there"
            if theirs or public(port)
            else "a typing error, or another lease of DHCP since",
            fix=f"set {knob}={lan_address(network) or 'ONE OF THESE'} in env/stack.env, {AGAIN}",
            address=port,
        )
    if not wrong and beyond(tls_ports(network)) and door.running:
        at = lan_address(network)
        everywhere = any(p.everywhere for p in tls_ports(network))
        text = f"bound to every address; the LAN's is {at}" if everywhere else f"bound to {at}"
        yield found(name, Severity.OK, "address", text)


def tls(network: Network) -> Iterable[Finding]:
    """Does the TLS port speak TLS, as our gateway?"""
    if network.door is None or not network.door.running:
        return
    name = "net.tls"
    for port in tls_ports(network):
        reply = network.replies.get(port)
        if reply is None:
            continue
        if reply.meaning is Meaning.DOOR:
            yield _trusted(port, reply.distrust)
        elif port.loopback and reply.meaning in (Meaning.RESET, Meaning.REFUSED):
            text = "none yet; this machine comes in by plain HTTP, for others: stackctl tls init"
            yield found(name, Severity.SKIPPED, "TLS", text)
        elif reply.meaning in (Meaning.RESET, Meaning.REFUSED):
            yield found(
                name,
                Severity.ERROR,
                "TLS",
                f"{port.where} is open, and nobody speaks TLS there",
                evidence=described(reply),
                cause="the gateway has no certificate",
                fix="stackctl tls init",
            )
        else:
            yield found(
                name,
                Severity.ERROR,
                "TLS",
                f"not the gateway answers at {port.where}",
                evidence=described(reply),
                cause="something between here and the container answers, or the certificate is bad",
                fix="stackctl logs gateway; stackctl tls init makes a new certificate",
            )


def _trusted(port: Port, distrust: str) -> Finding:
    if not distrust:
        return found("net.tls", Severity.OK, "TLS", f"{port.where} speaks TLS, certificate trusted")
    if any(text in distrust for text in _MISMATCH):
        text = f"{port.where} speaks TLS; its certificate is for a name, not for this address"
        return found("net.tls", Severity.OK, "TLS", text, evidence=distrust)
    return found(
        "net.tls",
        Severity.WARNING,
        "TLS",
        f"the certificate at {port.where} is not trusted",
        evidence=distrust,
        cause="it is neither of this stack's own authority nor of a public one, or has expired",
        fix="stackctl tls status; stackctl tls init makes a new one",
    )


def plain(network: Network) -> Iterable[Finding]:
    """Do keys travel in the clear, and how far?"""
    if network.door is None:
        return
    name = "net.plain"
    for port in network.door.published(PLAIN):
        if port.loopback:
            yield found(name, Severity.OK, "plain HTTP", f"{port.where}: this machine only")
        elif not port.everywhere and not public(port.address):
            # a choice: nobody gets there but by naming this address
            text = f"{port.where}: the LAN, as GATEWAY_HTTP_BIND says; keys travel in the clear"
            yield found(name, Severity.OK, "plain HTTP", text)
        else:
            far = [a for a in sorted(own_addresses(network)) if public(a)]
            yield found(
                name,
                Severity.ERROR if far else Severity.WARNING,
                "plain HTTP",
                "keys travel in the clear, "
                + ("through the internet" if far else "on every network of this machine"),
                evidence=f"{port.where} -> {port.container}"
                + (f"; this machine has {', '.join(far)}" if far else ""),
                fix="take GATEWAY_HTTP_BIND out of env/stack.env, or set it to "
                f"{lan_address(network) or 'the address of the LAN'} alone, {AGAIN}",
            )


def firewall(network: Network) -> Iterable[Finding]:
    """Whose rules stand before Docker's ports?"""
    name, where, wall = "net.firewall", "firewall", network.wall
    ufw = not isinstance(wall, Unavailable) and wall.active
    who = " and ".join(n for n, on in (("ufw", ufw), ("firewalld", network.firewalld)) if on)
    if isinstance(network.guard, Unavailable):
        text = f"{who + ' is active; ' if who else ''}{network.guard.reason}"
        yield found(name, Severity.SKIPPED, where, text)
    elif network.guard is Guard.OURS:
        yield found(name, Severity.OK, where, "only the gateway's ports pass (DOCKER-USER)")
    elif network.guard is Guard.STALE:
        yield found(
            name,
            Severity.WARNING,
            where,
            "its rules are not those that fit what runs now",
            cause="the gateway has another port, or a network was made since",
            fix="sudo stackctl net firewall --install",
        )
    elif network.guard is Guard.OTHERS:
        text = "DOCKER-USER has rules that are not ours; whether the gateway passes is not known"
        yield found(name, Severity.SKIPPED, where, text)
    elif who:
        ports = sorted({p.port.host for p in network.others if not p.port.loopback})
        yield found(
            name,
            Severity.WARNING if ports else Severity.OK,
            where,
            f"{who} is active, and Docker goes past it",
            evidence=f"open all the same: {', '.join(map(str, ports))}"
            if ports
            else f"open is the gateway's port {host_port(network)} alone",
            cause="what comes for a published port is sent on before a firewall's INPUT sees it",
            fix="sudo stackctl net firewall --install" if ports else "",
        )
    else:
        text = "none here; what Docker publishes is as open as it is bound"
        yield found(name, Severity.OK, where, text)


STEPS = (
    Step("net.address", "It is bound to our own address", "host", address, ("addresses",), True),
    Step("net.tls", "Its TLS port speaks TLS", "host", tls, watched=True),
    Step("net.plain", "No key travels in the clear", "host", plain, ("addresses",), True),
    Step("net.firewall", "A firewall guards what Docker publishes", "host", firewall),
)
