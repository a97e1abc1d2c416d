"""Rules that make the gateway the only door to what Docker publishes, for iptables. Pure.

Docker sends what comes for a published port past INPUT, where ufw sits, and leaves the chain
DOCKER-USER to the owner. Where a port is published on IPv6 and its container has no IPv6 address, a
program of Docker's takes the connection instead: that one does come through INPUT.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stackctl.model.network import ACME, PLAIN, TLS, Door, Guard, Network, Published

#: ours, and those that lead to them
CHAIN, OWNERS = "STACKCTL", "DOCKER-USER"
PROXY_CHAIN, INPUT = "STACKCTL-IN", "INPUT"
_PORT = re.compile(r"--ctorigdstport (\d+) .*stackctl: allowed")
_INSIDE = '-m comment --comment "stackctl: containers of this machine"'
_SOURCE = re.compile(rf"^-A {CHAIN} -s (\S+) ")


@dataclass(frozen=True, slots=True)
class Plan:
    """Who comes in: to `doors` (host ports of the gateway) and `allowed` ones everybody, to all
    that is published the networks of `lan` and the containers behind `bridges`. `proxied`: host
    ports that a program of Docker's takes by IPv6, and that are to be closed."""

    doors: tuple[int, ...]
    allowed: tuple[int, ...] = ()
    lan: tuple[str, ...] = ()
    bridges: tuple[str, ...] = ()
    proxied: tuple[int, ...] = ()


def plan(network: Network, *, lan: Iterable[str] = (), allowed: Iterable[int] = ()) -> Plan:
    """For the gateway and the containers of now."""
    doors = door_ports(network.door, network.port)
    free = tuple(sorted(set(allowed) - set(doors)))
    closed = {p.port.host for p in network.others if p.proxied and not p.port.loopback}
    return Plan(
        doors=doors,
        allowed=free,
        lan=tuple(sorted(str(ipaddress.ip_network(each)) for each in lan)),
        bridges=tuple(sorted(bridge.interface for bridge in network.bridges)),
        proxied=tuple(sorted(closed - set(doors) - set(free))),
    )


def door_ports(door: Door | None, port: int) -> tuple[int, ...]:
    """Host ports of TLS; those of plain HTTP and of proofs for ACME where others reach them."""
    if door is None:
        return (port,)
    tls = {p.host for p in door.published(TLS)} or {port}
    more = (*door.published(PLAIN), *door.published(ACME))
    return tuple(sorted(tls | {p.host for p in more if not p.loopback}))


def rules(wanted: Plan, version: int) -> tuple[str, ...]:
    """Ours for IPv4 or IPv6, each as `iptables -S` prints it."""
    lan = [each for each in wanted.lan if ipaddress.ip_network(each).version == version]
    made = [
        f"-m conntrack ! --ctstate DNAT {_said('not published by Docker')} -j RETURN",
        f"-m conntrack --ctdir REPLY {_said('answers')} -j RETURN",
        *(f"-i {bridge} {_INSIDE} -j RETURN" for bridge in wanted.bridges),
        *(_port(port, "the gateway") for port in wanted.doors),
        *(_port(port, "allowed") for port in wanted.allowed),
        *(f"-s {each} {_said('the LAN')} -j RETURN" for each in lan),
        f"{_said('only the gateway is open')} -j DROP",
    ]
    lines = [f"-A {CHAIN} {rule}" for rule in made]
    if version == 6 and wanted.proxied:
        lines += [f"-A {PROXY_CHAIN} {rule}" for rule in _proxied(wanted, lan)]
    return tuple(lines)


def _proxied(wanted: Plan, lan: Sequence[str]) -> list[str]:
    return [
        f"-i lo {_said('this machine')} -j RETURN",
        *(f"-i {bridge} {_INSIDE} -j RETURN" for bridge in wanted.bridges),
        *(f"-s {each} {_said('the LAN')} -j RETURN" for each in lan),
        *(
            f"-p tcp -m tcp --dport {port} {_said('only the gateway is open')} -j DROP"
            for port in wanted.proxied
        ),
    ]


def jumps(wanted: Plan, version: int, present: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """(chain, chain of ours that it leads to). Docker that leaves IPv6 alone has no chain there."""
    proxy = ((INPUT, PROXY_CHAIN),) if version == 6 and wanted.proxied else ()
    owners = ((OWNERS, CHAIN),) if version == 4 or f"-N {OWNERS}" in present else ()
    return (*owners, *proxy)


def restore(wanted: Plan, version: int, present: Sequence[str]) -> str:
    """All of it at once, for `iptables-restore --noflush`. `present`: rules of now, by -S."""
    leads = jumps(wanted, version, present)
    left = [c for _, c in every_jump() if f"-N {c}" in present and c not in dict(leads).values()]
    # a chain that is declared is emptied first, so that those of others are not
    return "\n".join(
        (
            "*filter",
            *(f":{chain} - [0:0]" for _, chain in leads),
            *_of(rules(wanted, version), leads),
            *_unled(present),
            *_dropped(left),
            *(f"-I {chain} 1 -j {mine}" for chain, mine in leads),
            "COMMIT\n",
        )
    )


def every_jump() -> tuple[tuple[str, str], ...]:
    return ((OWNERS, CHAIN), (INPUT, PROXY_CHAIN))


def removal(present: Sequence[str]) -> str:
    """What takes all of it away, for `iptables-restore --noflush`; "" where there is nothing."""
    leads, chains = _unled(present), [c for _, c in every_jump() if f"-N {c}" in present]
    if not leads and not chains:
        return ""
    return "\n".join(("*filter", *leads, *_dropped(chains), "COMMIT\n"))


def _unled(present: Sequence[str]) -> list[str]:
    """Each jump as often as it is there: what restores tables at boot may have doubled it."""
    return [f"-D {a} -j {b}" for a, b in every_jump() for x in present if x == f"-A {a} -j {b}"]


def _dropped(chains: Iterable[str]) -> list[str]:
    return [f"{what} {chain}" for chain in chains for what in ("-F", "-X")]


def ours(present: Iterable[str]) -> tuple[str, ...]:
    """Of the lines of `iptables -S` those that we wrote."""
    return tuple(
        line for line in present if line.startswith((f"-A {CHAIN} ", f"-A {PROXY_CHAIN} "))
    )


def in_place(wanted: Plan, version: int, present: Sequence[str], *, loose: bool = False) -> bool:
    """Whether the rules are exactly these, and are the first that count. `loose`: Docker's networks
    that came or went since do not matter, as they open nothing."""
    leads = jumps(wanted, version, present)
    for chain, mine in leads:
        first = next((line for line in present if line.startswith(f"-A {chain} ")), "")
        if first != f"-A {chain} -j {mine}":
            return False
    found, due = ours(present), _of(rules(wanted, version), leads)
    if loose:
        found, due = _without_bridges(found), _without_bridges(due)
    return found == due


def guard(network: Network, four: Sequence[str], six: Sequence[str]) -> Guard:
    """Whose rules stand before Docker's ports, by the lines of `iptables -S` and `ip6tables -S`."""
    if not ours(four):
        lines = [line for line in four if line.startswith(f"-A {OWNERS} ")]
        return Guard.OTHERS if any(not x.endswith("-j RETURN") for x in lines) else Guard.NONE
    lan, allowed = remembered((*four, *six))
    wanted = plan(network, lan=lan, allowed=allowed)
    fits = in_place(wanted, 4, four, loose=True) and in_place(wanted, 6, six, loose=True)
    return Guard.OURS if fits else Guard.STALE


def remembered(present: Iterable[str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """What the owner chose when he installed them: LANs and allowed ports."""
    mine = ours(present)
    lan = {match[1] for line in mine if (match := _SOURCE.match(line))}
    ports = {int(match[1]) for line in mine if (match := _PORT.search(line))}
    return tuple(sorted(lan)), tuple(sorted(ports))


def closed(network: Network, wanted: Plan) -> tuple[Published, ...]:
    """Published ports that nobody outside reaches once the rules are there."""
    free = {*wanted.doors, *wanted.allowed}
    return tuple(p for p in network.others if not p.port.loopback and p.port.host not in free)


def _of(lines: Iterable[str], leads: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    chains = {chain for _, chain in leads}
    return tuple(line for line in lines if line.split()[1] in chains)


def _without_bridges(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(line for line in lines if _INSIDE not in line)


def _port(port: int, why: str) -> str:
    return f"-p tcp -m conntrack --ctorigdstport {port} {_said(why)} -j RETURN"


def _said(text: str) -> str:
    return f'-m comment --comment "stackctl: {text}"'
