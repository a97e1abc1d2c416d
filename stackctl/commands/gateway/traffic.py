"""Which containers the gateway sends requests to, while one of them is replaced.

Every process of HAProxy is told: after a reload the old one serves the clients that it has.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from stackctl.commands.gateway.apply import Place
from stackctl.gateway import render, servers
from stackctl.model import StackError
from stackctl.system import haproxy

_PAUSE = 0.1
#: seconds in which the gateway finds a container that is ready: its DNS, then its health checks
_FINDING = 60.0


class Traffic:
    """The servers of one backend; an empty one, where no gateway runs, and nothing is done."""

    def __init__(self, place: Place, backend: str) -> None:
        self._run, self.backend = place.run, backend

    def empty(
        self, server: str, seconds: float, told: Callable[[str], None], *, others: bool
    ) -> None:
        """Nothing new to this server; what it has gets so many seconds to end. New requests go to
        `others`, or wait where there are none, until `release`."""
        self._tell(f"add map {render.HELD_THERE} {self.backend} {'down' if others else 'all'}")
        if others:
            # not before: what waits for a server is refused when none is left
            self._set(server, "drain")
        until = time.monotonic() + seconds
        while (left := self._left(server, others)) and time.monotonic() < until:
            told(f"draining: {left} requests")
            time.sleep(_PAUSE)
        if left:
            told(f"{left} requests did not end within {seconds:.0f} s and are broken off")
        # out of it, a server has to pass a check before it gets anything
        self._set(server, "maint")

    def release(self, server: str = "") -> None:
        """No request waits any longer; this server may have them as soon as it is ready."""
        if server:
            self._set(server, "ready")
        self._tell(f"del map {render.HELD_THERE} {self.backend}")

    def wait(self, server: str) -> None:
        """Let it have requests again, and wait until it gets them."""
        self._set(server, "ready")
        until = time.monotonic() + _FINDING
        while self.backend and not self._states(server)[0].up:
            if time.monotonic() > until:
                raise StackError(
                    f"the gateway does not reach {server}, which is ready",
                    fix="stackctl logs gateway; are both in one network: docker inspect "
                    f"{server} --format '{{{{json .NetworkSettings.Networks}}}}'",
                )
            time.sleep(_PAUSE)

    def _set(self, server: str, state: str) -> None:
        self._tell(f"set server {self.backend}/{server} state {state}")

    def _tell(self, command: str) -> None:
        if self.backend:
            # an old process may not know a server that is new
            haproxy.all_commands(self._run, command)

    def _left(self, server: str, others: bool) -> int:
        """Requests that the server works on, and those that wait for nobody but it."""
        running = sum(state.running for state in self._states(server))
        return running + (
            0 if others else sum(state.queued for state in self._states(servers.BACKEND))
        )

    def _states(self, server: str) -> list[servers.State]:
        """In each process, the current one first."""
        if not self.backend:
            return []
        told = haproxy.all_commands(self._run, "show stat")
        return [servers.parse(text).get((self.backend, server), servers.State()) for text in told]
