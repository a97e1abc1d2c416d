"""Ask for the way from a client to the gateway -> Network."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

from stackctl.model import Observed, Port, Unavailable
from stackctl.model.forwarding import Refused
from stackctl.model.network import (
    NO_NETWORK,
    PLAIN,
    TLS,
    Door,
    Guard,
    Network,
    Published,
    Reply,
    Router,
    Uplink,
)
from stackctl.net import firewall
from stackctl.system import process
from stackctl.system.host import network as host
from stackctl.system.net import ask, interfaces, routers, rules
from stackctl.system.net.published import NetDocker

#: seconds for an answer through the router; it is on this machine, or never comes
_HAIRPIN = 3.0


def watched(observed: Iterable[Observed]) -> Network:
    """For `verify`, in milliseconds: the ports of what runs; whether the open one speaks TLS."""
    pairs = [(o.service, o.container) for o in observed if o.container.running]
    gate = next(((s, c) for s, c in pairs if s.engine == "haproxy"), None)
    if gate is None:
        return NO_NETWORK
    service, container = gate
    ports = [port for port in service.ports if port.container == TLS and not port.loopback]
    return Network(
        door=Door(container.name, container.project, container.state, ports=service.ports),
        others=tuple(
            Published(c.name, s.role, port)
            for s, c in pairs
            if s.engine != "haproxy"
            for port in s.ports
        ),
        addresses=interfaces.addresses(),
        replies={port: _near(port, tls=True, careful=False) for port in ports},
    )


def here(docker: NetDocker, project: str, port: int) -> Network:
    """What Docker publishes, and on which networks: enough for the firewall's rules."""
    door, others = docker.published(project)
    return Network(door=door, others=others, port=port, bridges=docker.bridges())


def whole(
    docker: NetDocker, project: str, *, bind: str, port: int, external: int, ca: Path
) -> Network:
    """Everything, the router and the address outside as well; up to ten seconds where there is no
    UPnP. `external`: the router's port that is to lead here, 0 is the gateway's."""
    with ThreadPoolExecutor(8) as pool:
        wall, firewalld = pool.submit(host.firewall), pool.submit(rules.firewalld)
        addresses = interfaces.addresses()
        known = addresses if isinstance(addresses, tuple) else ()
        way = pool.submit(interfaces.uplink, known)
        network = here(docker, project, port)
        door = network.door
        outside = door.published(TLS)[0].host if door and door.published(TLS) else port
        beyond = pool.submit(_beyond, way.result(), external or outside, ca)
        inside = pool.submit(_inside, door)
        replies = {
            p: pool.submit(_near, p, tls=p.container == TLS, ca=ca, at=_lan(way.result(), p))
            for p in (door.ports if door and door.running else ())
            if p.container in (TLS, PLAIN)
        }
        network = replace(
            network,
            bind=bind,
            addresses=addresses,
            uplink=way.result(),
            holder=_holder(door),
            wall=wall.result(),
            firewalld=firewalld.result(),
            inside=inside.result(),
            replies={p: reply.result() for p, reply in replies.items()},
        )
        router, hairpin = beyond.result()
    return replace(network, guard=guard(network), router=router, hairpin=hairpin)


def guard(network: Network) -> Guard | Unavailable:
    """Whose rules are in DOCKER-USER, and whether ours fit what runs now."""
    four, six = rules.present(4), rules.present(6)
    if isinstance(four, Unavailable):
        return four
    six = () if isinstance(six, Unavailable) else six
    return firewall.guard(network, four, six)


def _inside(door: Door | None) -> Reply | Unavailable:
    if door is None or not door.running:
        return Unavailable("it does not run")
    if not door.address:
        return Unavailable("it has no address of its own")
    return ask.ask(door.address, PLAIN, tls=False)


def _near(
    port: Port, *, tls: bool, ca: Path | None = None, at: str = "", careful: bool = True
) -> Reply:
    """A published port, asked from this host."""
    address = port.address
    if port.everywhere:
        address = at or ("::1" if address == "::" else "127.0.0.1")
    return ask.ask(address, port.host, tls=tls, ca=ca, careful=careful)


def _lan(way: Uplink | Unavailable | None, port: Port) -> str:
    six = port.address == "::"
    return way.address if isinstance(way, Uplink) and not six else ""


def _beyond(
    way: Uplink | Unavailable | None, external: int, ca: Path
) -> tuple[Router | Unavailable, Reply | Unavailable]:
    """The router, and what its address outside leads to."""
    router = _router(way, external)
    if isinstance(router, Unavailable):
        return router, Unavailable("the address outside is not known")
    if not router.external or not ip_address(router.external).is_global:
        return router, Unavailable("the router has no public address")
    return router, ask.ask(router.external, external, tls=True, ca=ca, timeout=_HAIRPIN)


def _router(way: Uplink | Unavailable | None, external: int) -> Router | Unavailable:
    if not isinstance(way, Uplink) or not way.router:
        return Unavailable("there is no router")
    if way.address and ip_address(way.address).is_global:
        return Unavailable("this machine has a public address itself")
    gate = routers.find(way.router)
    if isinstance(gate, Unavailable):
        return gate
    try:
        return Router(gate.outside(), gate.entry(external))
    except Refused as refused:
        return Unavailable(f"the router does not tell: {refused.text}")


def _holder(door: Door | None) -> str:
    """Who else has a port of a gateway that does not run."""
    if door is None or door.running:
        return ""
    names = (process.listener(port.host) for port in door.ports)
    return next((name for name in names if name), "")
