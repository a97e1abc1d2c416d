"""Which services the gateway sends no requests to, though they are ready."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from stackctl.gateway import render, servers
from stackctl.model import Observed, Service, StackError, Unavailable
from stackctl.system import files, haproxy

ENGINE = "haproxy"
#: where its sockets are inside the container
_SOCKETS = "/run/haproxy"
#: seconds: it asks each engine every two, and Docker's DNS every one
_PATIENCE = 8.0
_PAUSE = 0.2


def unreached(observed: Sequence[Observed]) -> tuple[str, ...] | Unavailable:
    """Names of containers. One that has just become ready is given the time to be seen."""
    ready = [o for o in observed if o.ready is True and o.service.engine != ENGINE]
    doors = [o for o in observed if o.ready is True and o.service.engine == ENGINE]
    missed: list[str] = []
    try:
        for door in doors:
            names = [
                o.container.name for o in ready if o.container.project == door.container.project
            ]
            missed += wait(door.service, names)
    except StackError as error:
        return Unavailable(error.message, "socket")
    return tuple(missed)


def wait(gateway: Service, names: Iterable[str]) -> tuple[str, ...]:
    """Until a gateway sends requests to these containers; those to which it still does not."""
    folder = next((Path(m.source) for m in gateway.mounts if m.target == _SOCKETS), None)
    if folder is None:
        return ()
    until = time.monotonic() + _PATIENCE
    while True:
        aside = _aside(folder)
        told = servers.parse(haproxy.command(folder, "show stat"))
        up = {server for (_, server), state in told.items() if state.up}
        known = {server for backend, server in told if backend not in aside}
        missed = tuple(name for name in names if name not in up and name in known)
        if not missed or time.monotonic() > until:
            return missed
        time.sleep(_PAUSE)


def _aside(folder: Path) -> frozenset[str]:
    """Backends that a rollout takes servers out of, for a while and on purpose.

    One that was killed leaves the gateway as it was just then, but not the lock.
    """
    if "rollout" not in files.holder(folder.parents[1] / "lock"):
        return frozenset()
    return frozenset(servers.rows(haproxy.command(folder, f"show map {render.HELD_THERE}")))
