"""Port forwarding to the gateway: what is fit to be forwarded, what a router's answer means."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from stackctl.model import NOT_ASKED, Finding, Port, Severity, StackError, Unavailable
from stackctl.model.forwarding import Entry, Mapping, Method
from stackctl.model.network import TLS, Door, Meaning, Published, Reply
from stackctl.net.refusals import nowhere

ID = "net.forward"
#: seconds: the longest lease of UPnP (WANIPConnection:2, 2.5.16.2), and what it makes of "for ever"
WEEK = 604800


@dataclass(frozen=True, slots=True)
class Seen:
    """What is true of a mapping now."""

    entry: Entry | Unavailable | None = NOT_ASKED  # None: the router has no such entry
    outside: str | Unavailable = NOT_ASKED
    door: bool = True  # the gateway is behind it
    stranger: str = ""  # the container that has the gateway's port now
    here: str = ""  # our address, as the router sees it now
    refused: str = ""  # why it could not be renewed
    fix: str = ""


def target(door: Door | None) -> Port:
    """The host's port that leads to the gateway's TLS, and to nothing else."""
    if door is None or not door.running:
        state = f"the gateway ({door.container}) is {door.state}" if door else "no gateway runs"
        raise StackError(
            f"{state}: there is nothing to forward to",
            fix="stackctl up gateway, then stackctl net forward add",
        )
    ports = [port for port in door.published(TLS) if ":" not in port.address]
    if not ports:
        raise StackError(
            f"the gateway ({door.container}) publishes no TLS port on IPv4, and only that one is "
            "forwarded",
            fix="stackctl restart gateway",
        )
    open_ = [port for port in ports if not port.loopback]
    if not open_:
        raise StackError(
            f"the gateway's port {ports[0].host} is bound to {ports[0].address}, this machine "
            "alone: the router could not reach it",
            fix="set GATEWAY_BIND=0.0.0.0, or this machine's address in the LAN, in env/stack.env; "
            "then: stackctl up gateway",
        )
    return open_[0]


def secure(reply: Reply, port: int, *, certificate: bool) -> None:
    """StackError unless TLS is what answers at the gateway's port."""
    if not certificate:
        raise StackError(
            "the gateway has no certificate: keys would go over the internet unencrypted",
            fix="stackctl tls init, then stackctl net forward add",
        )
    if reply.meaning is Meaning.OPEN:
        raise StackError(
            f"port {port} of this machine answers without a key: it must not be forwarded",
            fix="stackctl restart gateway; stackctl net",
        )
    if reply.failure:
        raise StackError(
            f"port {port} of this machine does not answer by TLS: {reply.detail or reply.failure}",
            fix="stackctl logs gateway; stackctl restart gateway",
        )


def reached(port: Port, here: str) -> None:
    """StackError if the router would knock at an address where the gateway does not listen."""
    if not port.everywhere and port.address != here:
        raise StackError(
            f"the gateway listens on {port.address}, the router knows this machine as {here}",
            fix=f"set GATEWAY_BIND={here} in env/stack.env; then: stackctl up gateway",
        )


def due(mapping: Mapping, seen: Seen, here: str, now: float) -> bool:
    """Whether to ask again: it is gone, leads elsewhere of ours, or half of its time is over."""
    entry = seen.entry
    if isinstance(entry, Unavailable):
        # NAT-PMP: to ask is to renew, and costs one packet
        return True
    if entry is None or (entry.address, entry.port) != (here, mapping.port):
        return True
    left = entry.left if entry.left else mapping.until - now
    return bool(mapping.lease) and left < mapping.lease / 2


def subject(mapping: Mapping) -> str:
    """Under which it is told of."""
    return f"port {mapping.external}"


def judge(mapping: Mapping, seen: Seen) -> Finding:
    """A mapping as a finding, after it was renewed if that was due."""
    entry = asdict(seen.entry) if isinstance(seen.entry, Entry) else None
    values = {**asdict(mapping), "entry": entry}

    def bad(severity: Severity, summary: str, cause: str = "", fix: str = "") -> Finding:
        return Finding(ID, severity, subject(mapping), summary, cause=cause, fix=fix, values=values)

    if seen.stranger:
        gone = seen.entry is None
        return bad(
            Severity.ERROR,
            f"port {mapping.port} of this machine is no longer the gateway's but of "
            f"{seen.stranger}: "
            + ("the router's forwarding was taken back" if gone else "the internet may reach it"),
            "nobody there asks for a key",
            "stackctl net forward remove; or give the gateway its port back",
        )
    if seen.refused and seen.here not in ("", mapping.address):
        return bad(
            Severity.ERROR,
            f"this machine is {seen.here} now, the router still sends it to {mapping.address}",
            f"the router gave it another address, and refuses: {seen.refused}",
            "reserve an address for this machine on the router's page (DHCP); the old entry goes "
            "with its lease",
        )
    if seen.refused:
        what = "lost, and not renewed" if seen.entry is None else "cannot be renewed"
        return bad(Severity.ERROR, f"{what}: {seen.refused}", fix=seen.fix)
    if seen.entry is None:
        return bad(
            Severity.ERROR,
            "the router has forgotten it",
            "it was restarted, or the lease was over",
            "stackctl net forward renew; make watch-install does it every minute",
        )
    ours = (mapping.address, mapping.port)
    if isinstance(seen.entry, Entry) and (seen.entry.address, seen.entry.port) != ours:
        to = f"{seen.entry.address}:{seen.entry.port}"
        return bad(Severity.ERROR, f"the router sends it to {to}", fix="stackctl net forward renew")
    if isinstance(seen.outside, str) and seen.outside != mapping.outside:
        problem, fix = nowhere(seen.outside)
        if problem:
            return bad(Severity.ERROR, problem, fix=fix)
    if not seen.door:
        return bad(
            Severity.WARNING,
            "it is dead: no gateway is behind it",
            "the router's entry stays until its lease is over",
            "stackctl up gateway; or: stackctl net forward remove",
        )
    return bad(Severity.OK, f"{mapping.outside or '?'}:{mapping.external} leads to the gateway")


def stranger(mapping: Mapping, door: Door | None, others: Sequence[Published]) -> str:
    """The container that has the port where the gateway was; "" if none."""
    if behind(mapping, door):
        return ""
    mine = (p for p in others if p.port.host == mapping.port and not p.port.loopback)
    inner = door.ports if door and door.running else ()
    # the gateway's own plain HTTP would be as bad
    if any(p.host == mapping.port and p.container != TLS and not p.loopback for p in inner):
        return "the gateway's unencrypted port"
    return next((f"container {p.container}" for p in mine), "")


def behind(mapping: Mapping, door: Door | None) -> bool:
    """Whether the gateway's TLS is where the router sends to."""
    ports = door.published(TLS) if door and door.running else ()
    return any(
        port.host == mapping.port and (port.everywhere or port.address == mapping.address)
        for port in ports
    )


def dump(mapping: Mapping) -> str:
    """For .stackctl/forward.json."""
    return json.dumps(asdict(mapping), indent=2) + "\n"


def load(text: str) -> Mapping:
    """What `dump` wrote. ValueError of anything else."""
    try:
        raw = json.loads(text)
        return Mapping(**{**raw, "method": Method(raw["method"])})
    except (TypeError, KeyError) as error:
        raise ValueError(str(error)) from None
