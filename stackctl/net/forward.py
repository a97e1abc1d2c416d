"""Port forwarding to the gateway: what is fit to be forwarded, what a router's answer means."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from stackctl.model import NOT_ASKED, Finding, Port, Severity, StackError, Unavailable
from stackctl.model.forwarding import Entry, Mapping, Method, Refusal, Refused
from stackctl.model.network import TLS, Door, Meaning, Published, Reply

ID = "net.forward"
#: seconds: the longest lease of UPnP (WANIPConnection:2, 2.5.16.2), and what it makes of "for ever"
WEEK = 604800
_CGNAT = ipaddress.ip_network("100.64.0.0/10")
_TUNNEL = "or a tunnel to a machine that has one (WireGuard, a small rented server)"


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


def nowhere(outside: str) -> tuple[str, str]:
    """Why nobody reaches a router at its address outside, and what to do; ("", "") if they do."""
    if not outside:
        return (
            "the router knows no public address of its own: it is offline, behind another router, "
            "or behind its provider's NAT (CGNAT)",
            f"look at the router's own page; of the provider a public IPv4 address, {_TUNNEL}",
        )
    address = ipaddress.ip_address(outside)
    if address.version == 4 and address in _CGNAT:
        return (
            f"the router's address outside is {outside}, of the provider's NAT (CGNAT): nobody "
            "reaches it from the internet",
            f"ask the provider for a public IPv4 address, {_TUNNEL}",
        )
    if address.is_global:
        return "", ""
    return (
        f"the router's address outside is {outside}, a private one: there is another router "
        "before it (double NAT)",
        "set the outer router to bridge mode; or forward the port on it to "
        f"{outside} by hand, then: stackctl net forward add --anyway",
    )


def refusal(refused: Refused, external: int, method: Method) -> StackError:
    """A router's no -> what to do."""
    said = f"the router refuses by {method}: {refused.text}"
    match refused.why:
        case Refusal.FORBIDDEN:
            low = external < 1024
            return StackError(
                f"{said} (606)" if method is Method.UPNP else said,
                fix="many routers forward no port below 1024: stackctl net forward add --external "
                "8443"
                if low
                else "allow UPnP or NAT-PMP for this machine on the router's page, or forward the "
                f"port there by hand: external {external}",
            )
        case Refusal.CONFLICT:
            return _taken(external, said)
        case Refusal.SAME_PORT:
            return StackError(
                f"{said} (724)", fix="it takes no other port outside: leave --external away"
            )
        case Refusal.FULL:
            return StackError(said, fix="remove forwardings that nobody needs on the router's page")
        case Refusal.NO_ADDRESS:
            return _fixed(nowhere(""))
        case Refusal.SILENT:
            return StackError(
                f"the router does not answer by {method}: {refused.text}",
                fix="is UPnP or NAT-PMP on, on the router's page? stackctl net",
            )
        case Refusal.NO_ENTRY | Refusal.PERMANENT | Refusal.OTHER:
            pass
    return StackError(said, fix=f"forward the port on the router's page: external {external}")


def conflict(entry: Entry | Unavailable | None, here: str, port: int) -> None:
    """StackError if the router sends the port elsewhere already."""
    if isinstance(entry, Entry) and (entry.address, entry.port) != (here, port):
        to = f"{entry.address}:{entry.port}"
        raise _taken(
            entry.external,
            f"the router sends port {entry.external} to {to} already ({shown(entry.name)})",
        )


def no_router(found: Unavailable, *, several: bool) -> StackError:
    """There is nobody to ask."""
    if several:
        return StackError(
            f"several routers answer by UPnP: {found.reason}",
            fix="name the one that has the internet: stackctl net forward add --router ADDRESS",
        )
    return StackError(
        f"{found.reason}",
        fix="turn UPnP or NAT-PMP on, on the router's page, and then try again; or forward the "
        "port there by hand: `stackctl net` says what to type in",
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
        return bad(
            Severity.ERROR,
            f"port {mapping.port} of this machine is {seen.stranger}'s now, not the gateway's: "
            "the router's forwarding was taken back",
            "what listens there would have been open to the internet, without any key",
            "give the gateway its port back, then stackctl net forward add; or: "
            "stackctl net forward remove",
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
        return bad(Severity.ERROR, f"lost, and not renewed: {seen.refused}", fix=seen.fix)
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


def shown(text: str) -> str:
    """What a stranger wrote, fit for a terminal."""
    return "".join(c for c in text if c.isascii() and c.isprintable())[:60] or "no name"


def _taken(external: int, summary: str) -> StackError:
    other = 8443 if external != 8443 else 9443
    return StackError(
        summary,
        fix=f"take another port: stackctl net forward add --external {other}; or remove that entry "
        "on the router's page",
    )


def _fixed(problem: tuple[str, str]) -> StackError:
    return StackError(problem[0], fix=problem[1])
