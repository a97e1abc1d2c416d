"""`stackctl net probe URL`: does a client who comes by this address reach the gateway?"""

from __future__ import annotations

import json
from dataclasses import asdict

from stackctl import report, settings
from stackctl.model import Finding, Severity, StackError
from stackctl.model.network import TLS, Address, Door, Meaning, Reply
from stackctl.net import probe as pure
from stackctl.net import verdict
from stackctl.net.probe import Target, Via
from stackctl.system import files, terminal
from stackctl.system.net import ask, interfaces, pin, ssh
from stackctl.system.net.published import NetDocker
from stackctl.system.terminal import out


def probe(url: str, *, via: str, as_json: bool) -> int:
    """Ask from here or from a second machine. 1 if it is known that clients do not get there."""
    where = pure.target(url)
    there = pure.via(via) if via else None
    reply = _from_there(where, there) if there else _from_here(where)
    proven, why = verdict.proof(where, reply, via=there, lan=_networks())
    finding = verdict.finding(where, reply, proven, why)
    failed = finding.severity is Severity.ERROR
    useless = reply.meaning in (Meaning.NAME, Meaning.OPEN) or verdict.near(where.host)
    by_hand = "" if there or proven or useless else pure.by_hand(where, _pin(where))
    if as_json:
        out(_json(where, reply, proven, finding, by_hand))
        return 1 if failed else 0
    out(_text(finding, proven))
    if by_hand:
        out(
            "\nProof is an answer to somebody outside. Type there, on a phone's network for "
            f"example:\n  {by_hand}\n"
            "401 is right: the gateway wants a key. 000 or an error: it was not reached; 200: an "
            "engine\nis open to everybody. Or let stackctl ask: --via ssh://USER@HOST"
        )
    elif not there and verdict.near(where.host):
        out("\nclients outside come by the router's address: stackctl net shows it")
    return 1 if failed else 0


def _from_here(where: Target) -> Reply:
    ca = settings.find_root() / ".stackctl" / "tls" / "ca.pem"
    return ask.ask(where.host, where.port, tls=where.tls, ca=ca)


def _from_there(where: Target, via: Via) -> Reply:
    ca = settings.find_root() / ".stackctl" / "tls" / "ca.pem"
    given = files.read(ca).encode() if ca.is_file() else b""
    return pure.replied(ssh.run(via.host, via.user, via.port, pure.script(where), given))


def _networks() -> tuple[Address, ...]:
    found = interfaces.addresses()
    return found if isinstance(found, tuple) else ()


def _pin(where: Target) -> str:
    """Of our own gateway; "" if it speaks no TLS, or there is no asking it."""
    if not where.tls:
        return ""
    door = _door()
    for port in door.published(TLS) if door and door.running else ():
        found = pin.of("127.0.0.1" if port.everywhere else port.address, port.host)
        if found:
            return found
    return ""


def _door() -> Door | None:
    try:
        return NetDocker().published(settings.chosen_project(None))[0]
    except StackError:
        return None


def _text(finding: Finding, proven: bool | None) -> str:
    if finding.severity in (Severity.WARNING, Severity.ERROR):
        return report.problem(finding, colour=terminal.colour())
    if proven:
        return f"ok  {finding.subject}: {finding.summary} ({finding.evidence})"
    return f"unknown  {finding.subject}: {finding.summary}\n    {finding.evidence}"


def _json(where: Target, reply: Reply, proven: bool | None, finding: Finding, by_hand: str) -> str:
    return json.dumps(
        {
            "url": where.base,
            "proof": proven,
            "reached": str(reply.meaning),
            "status": reply.status or None,
            "trusted": not reply.distrust if where.tls and not reply.failure else None,
            "finding": asdict(finding),
            "by_hand": by_hand or None,
        },
        indent=2,
    )
