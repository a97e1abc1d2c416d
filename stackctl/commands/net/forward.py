"""`stackctl net forward`: the router's forwarding to the gateway's TLS port, kept alive."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from stackctl import report, settings
from stackctl.model import Finding, Severity, StackError, Unavailable
from stackctl.model.forwarding import Entry, Gate, Mapping, Refusal, Refused
from stackctl.model.network import Door, Published
from stackctl.net import forward
from stackctl.net.forward import Seen
from stackctl.system import files, process, terminal
from stackctl.system.net import ask, interfaces, routers
from stackctl.system.net.published import NetDocker

_NOTHING = "stackctl forwards nothing; stackctl net forward add"


def add(
    *, external: int | None, lease: int, router: str | None, anyway: bool, dry_run: bool
) -> int:
    """Ask the router for it. Everything that would make it useless or unsafe is an error before."""
    state = _state()
    door, _ = _docker()
    port = forward.target(door)
    near = "127.0.0.1" if port.everywhere else port.address
    certificate = (state / "gateway" / "tls" / "server.pem").is_file()
    forward.secure(ask.ask(near, port.host, tls=True), port.host, certificate=certificate)
    outer = external or port.host
    with files.lock(state / "forward.lock", "net forward add"):
        _one(_load(state), outer)
        gate = _found(router)
        forward.reached(port, gate.here)
        try:
            mapping = Mapping(
                gate.method, gate.url, outer, gate.here, port.host, lease or forward.WEEK, 0.0
            )
            mapping = replace(mapping, outside=gate.outside())
            problem, fix = forward.nowhere(mapping.outside)
            if problem and not anyway:
                raise StackError(problem, fix=fix)
            forward.conflict(gate.entry(outer), gate.here, port.host)
            if dry_run:
                terminal.out(f"would ask for {_told(mapping)}")
                return 0
            mapping = _asked(gate, mapping)
        except Refused as refused:
            raise forward.refusal(refused, outer, gate.method) from None
        _save(state, mapping)
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
    mapping = _load(_state())
    if mapping is None:
        terminal.out(report.as_json((), ok=True, mapping=None) if as_json else _NOTHING)
        return 0
    seen, _ = _seen(mapping, *_docker())
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
    state = _state()
    with files.lock(state / "forward.lock", "net forward remove"):
        mapping = _load(state)
        if mapping is None:
            terminal.out(_NOTHING)
            return 0
        if dry_run:
            terminal.out(f"would take back {_told(mapping)}")
            return 0
        try:
            _take_back(routers.again(mapping), mapping)
        except Refused as refused:
            end = time.strftime("%H:%M:%S", time.localtime(mapping.until))
            fix = f"it ends by itself at {end}" if mapping.until else "it has no end"
            raise StackError(
                f"forgotten here, but the router did not take it back: {refused.text}",
                fix=f"{fix}; or remove port {mapping.external} on the router's page",
            ) from None
        finally:
            _file(state).unlink(missing_ok=True)
    terminal.out(f"taken back: {_told(mapping)}")
    return 0


def renew(*, dry_run: bool) -> int:
    """Ask again if it is lost or half of its time is over. 1 if that does not help."""
    state = _state()
    with files.lock(state / "forward.lock", "net forward renew"):
        mapping = _load(state)
        if mapping is None:
            terminal.out(_NOTHING)
            return 0
        if dry_run:
            seen, gate = _seen(mapping, *_docker())
            needed = gate is not None and forward.due(mapping, seen, gate.here, time.time())
            terminal.out(f"would {'ask again for' if needed else 'leave'} {_told(mapping)}")
            return 0
        finding = _renewed(state, mapping)
    terminal.out(report.text((finding,), colour=terminal.colour()))
    return 1 if finding.severity is Severity.ERROR else 0


def watch(state: Path) -> tuple[Finding, ...]:
    """For `verify --record`: renewed if need be. Without a search, so it costs milliseconds."""
    if not _file(state).is_file():
        return ()
    subject = "forward"
    try:
        with files.lock(state / "forward.lock", "verify --record"):
            mapping = _load(state)
            if mapping is None:
                return ()
            subject = forward.subject(mapping)
            return (_renewed(state, mapping),)
    except files.Busy as busy:
        return (Finding(forward.ID, Severity.SKIPPED, subject, busy.message),)
    except StackError as error:
        return (Finding(forward.ID, Severity.WARNING, subject, error.message, fix=error.fix),)


def _renewed(state: Path, mapping: Mapping) -> Finding:
    """A mapping that is as it was asked for, or why it is not."""
    door, others = _docker()
    seen, gate = _seen(mapping, door, others)
    if gate is None:
        return forward.judge(mapping, seen)
    if seen.stranger:
        with suppress(Refused):
            _take_back(gate, mapping)
        return forward.judge(mapping, seen)
    now = replace(mapping, router=gate.url)
    if isinstance(seen.outside, str) and not forward.nowhere(seen.outside)[0]:
        now = replace(now, outside=seen.outside)
    # one that leads nowhere is left to end: who knows what will listen there
    if seen.door and forward.due(mapping, seen, gate.here, time.time()):
        try:
            now = _asked(gate, replace(now, address=gate.here))
            seen = replace(seen, entry=gate.entry(mapping.external))
        except Refused as refused:
            told = forward.refusal(refused, mapping.external, mapping.method)
            seen = replace(seen, refused=told.message, fix=told.fix)
    if now != mapping:
        _save(state, now)
    return forward.judge(now, seen)


def _seen(
    mapping: Mapping, door: Door | None, others: tuple[Published, ...]
) -> tuple[Seen, Gate | None]:
    """What is so now, and the router, if it answers."""
    behind = forward.behind(mapping, door)
    who = forward.stranger(mapping, door, others)
    if not behind and not who:
        who = process.listener(mapping.port)
    seen = Seen(door=behind, stranger=who)
    try:
        gate = routers.again(mapping)
        entry = gate.entry(mapping.external)
        return replace(seen, here=gate.here, outside=gate.outside(), entry=entry), gate
    except Refused as refused:
        told = forward.refusal(refused, mapping.external, mapping.method)
        return replace(seen, refused=told.message, fix=told.fix), None


def _asked(gate: Gate, mapping: Mapping) -> Mapping:
    """As the router gives it; one that knows no leases is asked for one without end."""
    lease = mapping.lease
    try:
        given = gate.add(mapping.external, mapping.port, lease)
    except Refused as refused:
        if refused.why is not Refusal.PERMANENT:
            raise
        lease, given = 0, gate.add(mapping.external, mapping.port, 0)
    return replace(mapping, lease=lease, until=time.time() + given if given else 0.0)


def _take_back(gate: Gate, mapping: Mapping) -> None:
    entry = gate.entry(mapping.external)
    ours = isinstance(entry, Entry) and (entry.address, entry.port) == (gate.here, mapping.port)
    if ours or isinstance(entry, Unavailable):
        gate.remove(mapping.external, mapping.port)


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
        raise forward.no_router(found, several=found.code == routers.SEVERAL)
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


def _docker() -> tuple[Door | None, tuple[Published, ...]]:
    return NetDocker().published(settings.chosen_project(None))


def _state() -> Path:
    return settings.find_root() / ".stackctl"


def _file(state: Path) -> Path:
    return state / "forward.json"


def _load(state: Path) -> Mapping | None:
    path = _file(state)
    if not path.is_file():
        return None
    try:
        return forward.load(files.read(path))
    except ValueError:
        raise StackError(
            f"{path} is damaged", fix=f"rm {path}, then stackctl net forward add"
        ) from None


def _save(state: Path, mapping: Mapping) -> None:
    files.write(_file(state), forward.dump(mapping))
