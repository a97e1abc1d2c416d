"""What an answer means that came, or did not, from the address that clients are to use. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from stackctl.model import Finding, Severity
from stackctl.model.network import Address, Meaning, Reply
from stackctl.net.probe import Target, Via, printable

ID = "net.probe"


def proof(
    where: Target, reply: Reply, *, via: Via | None, lan: Iterable[Address] = ()
) -> tuple[bool | None, str]:
    """Whether clients of the internet reach the gateway, and how we know; None: we do not."""
    if reply.meaning is not Meaning.DOOR:
        if via:
            return False, f"asked from {via.shown}"
        if near(where.host):
            return False, "asked from here, with no router in between"
        if reply.meaning in (Meaning.NAME, Meaning.OPEN):
            return False, "asked from here"
        return None, (
            "asked from here, a failure proves nothing: many routers do not lead their own LAN "
            "back in (hairpin)"
        )
    if via:
        inside = _in_lan(reply.local, lan)
        if inside or not _public(reply.peer):
            return None, f"asked from {via.shown}, which is on a network of this machine: " + (
                "that proves the LAN's part of the way"
            )
        return True, f"asked from {via.shown}, another network"
    if reply.local == reply.peer:
        return None, "it is this machine's own address: asked from here, that proves nothing"
    if not _public(reply.peer):
        return None, "a private address: that proves the LAN's part of the way"
    return True, "asked from here through the router: a success proves that it forwards"


def near(host: str) -> bool:
    """Whether an address is one that no router leads back."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost"


def finding(where: Target, reply: Reply, proven: bool | None, why: str) -> Finding:
    """The verdict, with what to do."""
    severity = {True: Severity.OK, None: Severity.SKIPPED, False: Severity.ERROR}[proven]
    summary, cause, fix = _SAID[reply.meaning]
    evidence = "; ".join(part for part in (reply.detail or _answer(reply), why) if part)
    if reply.meaning is Meaning.DOOR:
        if reply.distrust:
            return Finding(
                ID,
                Severity.WARNING,
                where.base,
                "the gateway answers, and clients will refuse its certificate",
                evidence=f"{reply.distrust}; {why}",
                cause="it is not for this name, or its authority is not known to them",
                fix="stackctl tls init for this name; hand .stackctl/tls/ca.pem to clients",
            )
        if not where.tls and _public(reply.peer):
            return Finding(
                ID,
                Severity.ERROR,
                where.base,
                "the gateway answers by plain HTTP: keys travel through the internet in the clear",
                evidence=why,
                fix="forward the TLS port alone, and use https://",
            )
        cause = fix = ""
    return Finding(ID, severity, where.base, summary, evidence, cause, fix)


_RULE = "the rule that `stackctl net` prints is to be in the router; stackctl net shows each hop"
_SAID: dict[Meaning, tuple[str, str, str]] = {
    Meaning.DOOR: ("the gateway answers, and wants a key", "", ""),
    Meaning.OPEN: (
        "an engine answers there, and asks nobody for a key",
        "this is an engine's port and not the gateway's",
        f"where the router forwards to it, take that rule away now; {_RULE}",
    ),
    Meaning.OTHER: (
        "another server answers",
        "the router's own page, or another machine that the router forwards to",
        f"take its remote administration away; {_RULE}",
    ),
    Meaning.PLAIN: (
        "what answers speaks no TLS",
        "the router forwards to the port of plain HTTP, or to another program",
        _RULE,
    ),
    Meaning.REFUSED: (
        "the connection is refused",
        "no rule for this port in the router, the gateway is down, or it is bound to 127.0.0.1",
        _RULE,
    ),
    Meaning.TIMEOUT: (
        "nothing answers",
        "no rule for this port in the router, a firewall that drops, a provider that blocks it, "
        "or no public address (CGNAT)",
        _RULE,
    ),
    Meaning.UNREACHABLE: (
        "there is no way to that address",
        "a private address, or no IPv6 on one side",
        "stackctl net shows the address outside",
    ),
    Meaning.RESET: (
        "the connection is cut off without an answer",
        "the gateway has no TLS yet, or something in between ends it",
        "stackctl tls init; stackctl logs gateway",
    ),
    Meaning.TLS: (
        "TLS does not come about",
        "another server, or something in between that speaks for it",
        "stackctl logs gateway; stackctl tls status",
    ),
    Meaning.NAME: (
        "the name has no address",
        "a typing error, or a name that was never set up",
        "set it up where the domain is managed, or use the address that stackctl net shows",
    ),
}


def _answer(reply: Reply) -> str:
    if reply.meaning is Meaning.DOOR:
        return ""
    parts = [f"answers {reply.status}", *([f"is {reply.server}"] if reply.server else [])]
    parts += [f"sends to {reply.location}"] if reply.location else []
    if title := re.search(r"<title[^>]*>([^<]{1,80})", reply.body, re.IGNORECASE):
        parts.append(f"its page is called {printable(title[1])!r}")
    return ", ".join(parts)


def _in_lan(address: str, lan: Iterable[Address]) -> bool:
    try:
        own = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(own in ipaddress.ip_network(a.network) for a in lan)


def _public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False
