"""Which containers the gateway sends requests to, while one of them is replaced."""

from __future__ import annotations

import time
from collections.abc import Callable

from stackctl.commands.gateway.apply import Place
from stackctl.gateway import servers
from stackctl.model import StackError
from stackctl.system import haproxy

_PAUSE = 0.1
#: seconds in which the gateway finds a container that is ready: its DNS, then its health checks
_FINDING = 60.0


class Traffic:
    """The servers of one backend; an empty one, where no gateway runs, and nothing is done."""

    def __init__(self, place: Place, backend: str) -> None:
        self._run, self.backend = place.run, backend

    def drain(self, server: str, seconds: float, told: Callable[[str], None]) -> None:
        """No new requests; those that run have so many seconds to end."""
        if not self.backend:
            return
        self._set(server, "drain")
        until = time.monotonic() + seconds
        while (running := self._state(server).running) and time.monotonic() < until:
            told(f"draining: {running} requests run")
            time.sleep(_PAUSE)
        if running:
            told(f"{running} requests did not end within {seconds:.0f} s and are broken off")

    def back(self, server: str) -> None:
        """New requests again."""
        if self.backend:
            self._set(server, "ready")

    def wait(self, server: str) -> None:
        """Until the gateway sends requests to a container that is proven already."""
        if not self.backend:
            return
        self.back(server)
        until = time.monotonic() + _FINDING
        while not self._state(server).up:
            if time.monotonic() > until:
                raise StackError(
                    f"the gateway does not reach {server}, which is ready",
                    fix="stackctl logs gateway; are both in one network: docker inspect "
                    f"{server} --format '{{{{json .NetworkSettings.Networks}}}}'",
                )
            time.sleep(_PAUSE)

    def _set(self, server: str, word: str) -> None:
        answer = haproxy.command(self._run, f"set server {self.backend}/{server} state {word}")
        if answer.strip():
            raise StackError(
                f"the gateway does not {word} {server}: {answer.strip()}",
                fix="stackctl up gateway; stackctl logs gateway",
            )

    def _state(self, server: str) -> servers.State:
        found = servers.parse(haproxy.command(self._run, "show stat"))
        return found.get((self.backend, server), servers.State(0, False))
