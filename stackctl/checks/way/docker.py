"""The container and Docker's mapping: is the door there, is it the only one?"""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.checks.way.step import Step
from stackctl.checks.way.words import AGAIN, beyond, described, found, lan_address, tls_ports
from stackctl.model import Finding, Severity, Unavailable
from stackctl.model.network import METRICS, Guard, Meaning, Network, Published

_TAKEN = ("port is already allocated", "address already in use")


def gateway(network: Network) -> Iterable[Finding]:
    """Does the gateway run, and answer at its own address?"""
    name, door, inside = "net.gateway", network.door, network.inside
    if door is None:
        yield found(
            name,
            Severity.ERROR,
            "gateway",
            "there is no gateway",
            cause="without it a client would reach an engine, which asks nobody for a key",
            fix="put gateway into COMPOSE_PROFILES in env/stack.env, then: stackctl up",
        )
    elif not door.running:
        yield found(
            name,
            Severity.ERROR,
            "gateway",
            f"{door.container} is {door.state}",
            evidence=door.error,
            fix="stackctl up gateway; stackctl logs gateway",
        )
    elif isinstance(inside, Unavailable):
        text = f"{door.container} runs; not asked: {inside.reason}"
        yield found(name, Severity.SKIPPED, "gateway", text)
    elif inside.meaning is Meaning.DOOR:
        yield found(name, Severity.OK, "gateway", f"{door.container} answers, and wants a key")
    elif inside.meaning is Meaning.OPEN:
        yield found(
            name,
            Severity.ERROR,
            "gateway",
            f"{door.container} lets everybody in",
            evidence=described(inside),
            cause="what carries the gateway's labels is not our gateway",
            fix="stackctl restart gateway",
        )
    elif inside.meaning in (Meaning.TIMEOUT, Meaning.UNREACHABLE):
        # Docker in a virtual machine, or without root: its networks are not ours
        text = f"its address {door.address} cannot be reached from here: {described(inside)}"
        yield found(name, Severity.SKIPPED, "gateway", text)
    else:
        yield found(
            name,
            Severity.ERROR,
            "gateway",
            f"{door.container} runs, and does not answer as a gateway",
            evidence=f"{door.address}: {described(inside)}",
            cause="it waits for its configuration, or has a broken one",
            fix="stackctl up gateway; stackctl logs gateway",
        )


def taken(network: Network) -> Iterable[Finding]:
    """Is the host's port the gateway's?"""
    door = network.door
    if door is None or door.running:
        return
    if not network.holder and not any(text in door.error for text in _TAKEN):
        return
    yield found(
        "net.port",
        Severity.ERROR,
        "Docker's mapping",
        f"a port of the gateway is taken by {network.holder or 'somebody else'}",
        evidence=door.error,
        fix=f"end that, or set GATEWAY_PORT to another port in env/stack.env, {AGAIN}",
    )


def loopback(network: Network) -> Iterable[Finding]:
    """Does Docker's mapping let other machines in at all?"""
    ports = tls_ports(network)
    if network.door is None or not network.door.running or not ports:
        return
    name, where = "net.loopback", "Docker's mapping"
    mapped = ", ".join(f"{port.where} -> {port.container}" for port in ports)
    if beyond(ports):
        yield found(name, Severity.OK, where, mapped)
        return
    address = lan_address(network) or "an address of this machine"
    changed = network.bind not in ("", "127.0.0.1", "::1")
    yield found(
        name,
        Severity.WARNING,
        where,
        "the gateway is bound to this machine only",
        evidence=mapped,
        cause="no other machine reaches it, and no port forwarding can lead to it",
        fix=(
            f"stackctl up gateway: env/stack.env has GATEWAY_BIND={network.bind} already"
            if changed
            else f"set GATEWAY_BIND={address} in env/stack.env, {AGAIN}"
        ),
    )


def engines(network: Network) -> Iterable[Finding]:
    """Is an engine open beside the gateway? It asks nobody for a key."""
    if network.door is None:
        return
    for role, ports in _by_owner(p for p in network.others if p.role and not p.port.loopback):
        knob = "BIND_ADDRESS"
        yield found(
            "net.engine-open",
            # what the rules of the firewall stop is still open to whoever takes them away
            Severity.WARNING if network.guard is Guard.OURS else Severity.ERROR,
            role,
            "its port is open beside the gateway",
            evidence=", ".join(f"{p.port.where} -> {p.port.container}" for p in ports),
            cause="an engine asks nobody for a key; whoever reaches this machine can use it",
            fix=f"take {knob} out of env/stack.env (engines stay on 127.0.0.1), then: stackctl up; "
            "until then: sudo stackctl net firewall --install",
            ports=[p.port.host for p in ports],
        )


def others(network: Network) -> Iterable[Finding]:
    """What else does Docker publish to other machines?"""
    if network.door is None:
        return
    name, where = "net.others", "Docker's other ports"
    figures = [p for p in _own(network) if p.port.container == METRICS and not p.port.loopback]
    strangers = [p for p in network.others if not p.role and not p.port.loopback] + figures
    if not strangers:
        yield found(name, Severity.OK, where, "nothing of other containers is open")
        return
    listed = ", ".join(f"{p.container} {p.port.where}" for p in strangers)
    if network.guard is Guard.OURS:
        yield found(name, Severity.OK, where, f"closed by the firewall's rules: {listed}")
        return
    yield found(
        name,
        Severity.WARNING,
        where,
        f"open beside the gateway: {listed}",
        cause="ufw does not stop what Docker publishes",
        fix="publish it on 127.0.0.1, or close all but the gateway: sudo stackctl net firewall "
        "--install (--allow PORT for what is to stay open)",
        ports=sorted({p.port.host for p in strangers}),
    )


def _own(network: Network) -> tuple[Published, ...]:
    door = network.door
    return tuple(Published(door.container, "gateway", p) for p in door.ports) if door else ()


def _by_owner(ports: Iterable[Published]) -> list[tuple[str, list[Published]]]:
    by: dict[str, list[Published]] = {}
    for each in ports:
        by.setdefault(each.role, []).append(each)
    return list(by.items())


STEPS = (
    Step("net.gateway", "The gateway runs and wants a key", "container", gateway),
    Step("net.port", "The gateway's port is its own", "docker", taken),
    Step("net.loopback", "The gateway's port is open to others", "docker", loopback),
    Step("net.engine-open", "No engine is open beside it", "docker", engines, watched=True),
    Step("net.others", "Nothing else is open beside it", "docker", others),
)
