"""What a router refuses, or cannot do, and what its owner does about it."""

from __future__ import annotations

import ipaddress

from stackctl.model import StackError, Unavailable
from stackctl.model.forwarding import Entry, Method, Refusal, Refused

_CGNAT = ipaddress.ip_network("100.64.0.0/10")
_TUNNEL = "or a tunnel to a machine that has one (WireGuard, a small rented server)"


def nowhere(outside: str) -> tuple[str, str]:
    """Why nobody reaches a router at its address outside, and what to do; ("", "") if they do."""
    try:
        address = ipaddress.IPv4Address(outside)
    except ValueError:
        return (
            "the router knows no public address of its own: it is offline, behind another router, "
            "or behind its provider's NAT (CGNAT)",
            f"look at the router's own page; of the provider a public IPv4 address, {_TUNNEL}",
        )
    if address in _CGNAT:
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
