"""`stackctl net forward`: the router's forwarding to the gateway's TLS port, kept alive."""

from __future__ import annotations

import time
from dataclasses import asdict, replace

from stackctl import report
from stackctl.commands.net import forward_keep as keep
from stackctl.model import Severity, StackError, Unavailable
from stackctl.model.forwarding import Entry, Gate, Mapping, Refused
from stackctl.net import forward, refusals
from stackctl.system import files, terminal
from stackctl.system.net import ask, interfaces, routers

_NOTHING = "stackctl forwards nothing; stackctl net forward add"


def add(
    *, external: int | None, lease: int, router: str | None, anyway: bool, dry_run: bool
) -> int:
    """Ask the router for it. Everything that would make it useless or unsafe is an error before."""
    state = keep.folder()
    door, _ = keep.containers()
    port = forward.target(door)
    near = "127.0.0.1" if port.everywhere else port.address
    certificate = (state / "gateway" / "tls" / "server.pem").is_file()
    forward.secure(ask.ask(near, port.host, tls=True), port.host, certificate=certificate)
    outer = external or port.host
    with files.lock(state / "forward.lock", "net forward add"):
        _one(keep.load(state), outer)
        gate = _found(router)
        forward.reached(port, gate.here)
        try:
            mapping = Mapping(
                gate.method, gate.url, outer, gate.here, port.host, lease or forward.WEEK, 0.0
            )
            mapping = replace(mapping, outside=gate.outside())
            problem, fix = refusals.nowhere(mapping.outside)
            if problem and not anyway:
                raise StackError(problem, fix=fix)
            refusals.conflict(gate.entry(outer), gate.here, port.host)
            if dry_run:
                terminal.out(f"would ask for {_told(mapping)}")
                return 0
            mapping = keep.asked(gate, mapping)
        except Refused as refused:
            raise refusals.refusal(refused, outer, gate.method) from None
        keep.save(state, mapping)
    terminal.out(_told(mapping))
    if mapping.until:
        terminal.out(
            "the watch timer renews it (make watch-install); without, it ends at "
            + time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(mapping.until))
        )
    terminal.out(f"ask from outside, not from this LAN: https://{mapping.outside}:{outer}/healthz")
    return 0


def show(*, as_json: bool) -> int:
    """What was asked for, and what the router says of it now. 1 if it is lost."""
    mapping = keep.load(keep.folder())
    if mapping is None:
        terminal.out(report.as_json((), ok=True, mapping=None) if as_json else _NOTHING)
        return 0
    seen, _ = keep.look(mapping, *keep.containers())
    finding = forward.judge(mapping, seen)
    failed = finding.severity is Severity.ERROR
    if as_json:
        terminal.out(report.as_json((finding,), ok=not failed, mapping=asdict(mapping)))
        return 1 if failed else 0
    terminal.out(
        report.table(
            ("OUTSIDE", "TO", "BY", "LEASE LEFT", "STATE"),
            [
                (
                    f"{mapping.outside}:{mapping.external}",
                    f"{mapping.address}:{mapping.port}",
                    f"{mapping.method} of {mapping.router}",
                    _left(mapping, seen.entry),
                    {Severity.OK: "held", Severity.WARNING: "dead"}.get(finding.severity, "lost"),
                )
            ],
        )
    )
    if finding.severity is not Severity.OK:
        terminal.out("\n" + report.problem(finding, colour=terminal.colour()))
    return 1 if failed else 0


def remove(*, dry_run: bool) -> int:
    """Take it back, and forget it."""
    state = keep.folder()
    with files.lock(state / "forward.lock", "net forward remove"):
        mapping = keep.load(state)
        if mapping is None:
            terminal.out(_NOTHING)
            return 0
        if dry_run:
            terminal.out(f"would take back {_told(mapping)}")
            return 0
        try:
            keep.take_back(routers.again(mapping), mapping)
        except Refused as refused:
            end = time.strftime("%H:%M:%S", time.localtime(mapping.until))
            fix = f"it ends by itself at {end}" if mapping.until else "it has no end"
            raise StackError(
                f"forgotten here, but the router did not take it back: {refused.text}",
                fix=f"{fix}; or remove port {mapping.external} on the router's page",
            ) from None
        finally:
            keep.path(state).unlink(missing_ok=True)
    terminal.out(f"taken back: {_told(mapping)}")
    return 0


def renew(*, dry_run: bool) -> int:
    """Ask again if it is lost or half of its time is over. 1 if that does not help."""
    state = keep.folder()
    with files.lock(state / "forward.lock", "net forward renew"):
        mapping = keep.load(state)
        if mapping is None:
            terminal.out(_NOTHING)
            return 0
        if dry_run:
            seen, gate = keep.look(mapping, *keep.containers())
            needed = gate is not None and forward.due(mapping, seen, gate.here, time.time())
            terminal.out(f"would {'ask again for' if needed else 'leave'} {_told(mapping)}")
            return 0
        finding = keep.renewed(state, mapping)
    terminal.out(report.text((finding,), colour=terminal.colour()))
    return 1 if finding.severity is Severity.ERROR else 0


def _found(router: str | None) -> Gate:
    if not router:
        up = interfaces.uplink((), ask=False)
        if isinstance(up, Unavailable) or up is None or not up.router:
            raise StackError(
                "this machine has no default route, so there is no router to ask",
                fix="ip route; or name it: stackctl net forward add --router ADDRESS",
            )
        found = routers.find(up.router)
    else:
        found = routers.find(router, only=True)
    if isinstance(found, Unavailable):
        raise refusals.no_router(found, several=found.code == routers.SEVERAL)
    return found


def _one(old: Mapping | None, external: int) -> None:
    if old and old.external != external:
        raise StackError(
            f"port {old.external} is forwarded to the gateway already",
            fix="stackctl net forward remove, then add the other one",
        )


def _left(mapping: Mapping, entry: Entry | Unavailable | None) -> str:
    if entry is None:
        return "-"
    if not mapping.until:
        return "no end"
    told = entry.left if isinstance(entry, Entry) else 0
    return report.duration(max(0.0, told or mapping.until - time.time()))


def _told(mapping: Mapping) -> str:
    lease = f"for {report.duration(mapping.lease)}" if mapping.lease else "without an end"
    return (
        f"{mapping.outside}:{mapping.external} -> {mapping.address}:{mapping.port} (the gateway), "
        f"by {mapping.method} of {mapping.router}, {lease}"
    )
