"""A router by UPnP (Internet Gateway Device), through miniupnpc."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

from stackctl.model.forwarding import Entry, Method, Refusal, Refused

#: under which the router's own page lists it
NAME = "stackctl gateway"
#: seconds
_CONNECT = 3.0
_CONNECTED = "Connected"
#: miniupnpc has words in place of UPnP's numbers
_WORDS = {
    "Action not authorized": Refusal.FORBIDDEN,
    "NoSuchEntry": Refusal.NO_ENTRY,
    "NoSuchEntryInArray": Refusal.NO_ENTRY,
    "ConflictInMappingEntry": Refusal.CONFLICT,
    "ConflictWithOtherMechanisms": Refusal.CONFLICT,
    "SamePortValuesRequired": Refusal.SAME_PORT,
    "OnlyPermanentLeasesSupported": Refusal.PERMANENT,
    "NoPortMapsAvailable": Refusal.FULL,
    "Miniupnpc HTTP error": Refusal.SILENT,
    "Miniupnpc Socket error": Refusal.SILENT,
    "Miniupnpc Invalid response": Refusal.SILENT,
    "No UPnP device discovered": Refusal.SILENT,
}
_Result = TypeVar("_Result")


class Igd:
    """The router whose description is at `url`."""

    method = Method.UPNP

    def __init__(self, url: str, client: Callable[[], Any] | None = None) -> None:
        self.url = url
        _reach(url)
        self._upnp = (client or _client)()
        _said(lambda: self._upnp.selectigd(url))
        if not self._connected():
            self._other_line()

    @property
    def here(self) -> str:
        return str(self._upnp.lanaddr)

    def outside(self) -> str:
        address = _said(lambda: str(self._upnp.externalipaddress() or ""))
        return "" if address == "0.0.0.0" else address  # noqa: S104 - said, not bound

    def entry(self, external: int) -> Entry | None:
        found = _said(lambda: self._upnp.getspecificportmapping(external, "TCP"))
        if found is None:
            return None
        address, port, name, enabled, left = found
        return Entry(external, address, port, name, left) if enabled else None

    def add(self, external: int, port: int, lease: int) -> int:
        _said(lambda: self._upnp.addportmapping(external, "TCP", self.here, port, NAME, "", lease))
        # IGD:2 makes a week of "for ever"
        seen = self.entry(external)
        return seen.left if seen else lease

    def remove(self, external: int, port: int) -> None:
        try:
            _said(lambda: self._upnp.deleteportmapping(external, "TCP"))
        except Refused as refused:
            if refused.why is not Refusal.NO_ENTRY:
                raise

    def _connected(self) -> bool:
        try:
            return bool(_said(lambda: self._upnp.statusinfo()[0]) == _CONNECTED)
        except Refused:
            return False

    def _other_line(self) -> None:
        """A router with a line by PPP and one by IP names both; of a description that it is given
        miniupnpc takes the first, of a device that it finds itself the one that is connected."""
        other = _client()
        other.discoverdelay = 1000
        with suppress(Refused):
            _said(other.discover)
            control = _said(other.selectigd)
            if urlsplit(control).hostname == urlsplit(self.url).hostname:
                self._upnp = other


def _client() -> Any:
    import miniupnpc

    return miniupnpc.UPnP()


def _reach(url: str) -> None:
    """miniupnpc writes to the terminal of a router that it does not reach."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), _CONNECT).close()
    except (OSError, ValueError) as error:
        raise Refused(Refusal.SILENT, getattr(error, "strerror", "") or str(error)) from None


def _said(action: Callable[[], _Result]) -> _Result:
    try:
        return action()
    except Exception as error:
        # the library has no exception of its own
        if type(error) is not Exception:
            raise
        text = str(error)
        raise Refused(_WORDS.get(text, Refusal.OTHER), text) from None
