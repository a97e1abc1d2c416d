"""The forwarding that was asked for: .stackctl/forward.json, and that it holds."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from stackctl import settings
from stackctl.model import Finding, Severity, StackError, Unavailable
from stackctl.model.forwarding import Entry, Gate, Mapping, Refusal, Refused
from stackctl.model.network import Door, Published
from stackctl.net import forward, refusals
from stackctl.net.forward import Seen
from stackctl.system import files, process
from stackctl.system.net import routers
from stackctl.system.net.published import NetDocker


def watch(state: Path) -> tuple[Finding, ...]:
    """For `verify --record`: renewed if need be. Without a search, so it costs milliseconds."""
    try:
        mapping = load(state)
    except StackError as error:
        return (Finding(forward.ID, Severity.WARNING, "forward", error.message, fix=error.fix),)
    if mapping is None:
        return ()
    try:
        with files.lock(state / "forward.lock", "verify --record"):
            mine = load(state)
            return (renewed(state, mine),) if mine else ()
    except StackError as error:
        # somebody else is at it, or Docker does not answer: it is neither lost nor mended
        told = forward.subject(mapping)
        return (Finding(forward.ID, Severity.SKIPPED, told, error.message, fix=error.fix),)


def renewed(state: Path, mapping: Mapping) -> Finding:
    """A mapping that is as it was asked for, or why it is not."""
    seen, gate = look(mapping, *containers())
    if gate is None:
        return forward.judge(mapping, seen)
    if seen.stranger:
        with suppress(Refused):
            take_back(gate, mapping)
            seen = replace(seen, entry=None)
        return forward.judge(mapping, seen)
    now = replace(mapping, router=gate.url)
    if isinstance(seen.outside, str) and not refusals.nowhere(seen.outside)[0]:
        now = replace(now, outside=seen.outside)
    # one that leads nowhere is left to end: who knows what will listen there
    if seen.door and forward.due(mapping, seen, gate.here, time.time()):
        try:
            now = asked(gate, replace(now, address=gate.here))
            seen = replace(seen, entry=gate.entry(mapping.external))
        except Refused as refused:
            told = refusals.refusal(refused, mapping.external, mapping.method)
            seen = replace(seen, refused=told.message, fix=told.fix)
    if now != mapping:
        save(state, now)
    return forward.judge(now, seen)


def look(
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
        told = refusals.refusal(refused, mapping.external, mapping.method)
        return replace(seen, refused=told.message, fix=told.fix), None


def asked(gate: Gate, mapping: Mapping) -> Mapping:
    """As the router gives it; one that knows no leases is asked for one without end."""
    lease = mapping.lease
    try:
        given = gate.add(mapping.external, mapping.port, lease)
    except Refused as refused:
        if refused.why is not Refusal.PERMANENT:
            raise
        lease, given = 0, gate.add(mapping.external, mapping.port, 0)
    return replace(mapping, lease=lease, until=time.time() + given if given else 0.0)


def take_back(gate: Gate, mapping: Mapping) -> None:
    """What is not ours is left to whose it is."""
    entry = gate.entry(mapping.external)
    ours = isinstance(entry, Entry) and (entry.address, entry.port) == (gate.here, mapping.port)
    if ours or isinstance(entry, Unavailable):
        gate.remove(mapping.external, mapping.port)


def containers() -> tuple[Door | None, tuple[Published, ...]]:
    """The gateway, and what others publish."""
    return NetDocker().published(settings.chosen_project(None))


def folder() -> Path:
    return settings.find_root() / ".stackctl"


def path(state: Path) -> Path:
    return state / "forward.json"


def load(state: Path) -> Mapping | None:
    """None: nothing is forwarded."""
    kept = path(state)
    if not kept.is_file():
        return None
    try:
        return forward.load(files.read(kept))
    except ValueError:
        raise StackError(
            f"{kept} is damaged", fix=f"rm {kept}, then stackctl net forward add"
        ) from None


def save(state: Path, mapping: Mapping) -> None:
    files.write(path(state), forward.dump(mapping))
