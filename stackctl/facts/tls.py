"""The certificate of this clone's gateway, and by which addresses clients come to it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from stackctl import settings
from stackctl.model import Observed, StackError, Unavailable
from stackctl.model.certificate import Certificate, Order, Origin, TlsState
from stackctl.system.certificates import names
from stackctl.system.certificates.store import Store

#: of the gateway, inside its container
_PORT = 8443
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104


def look(root: Path, observed: Sequence[Observed]) -> TlsState | Unavailable | None:
    """None: there is no certificate, of which `net.tls` tells what it means."""
    store = Store(root / ".stackctl", *settings.gateway_user(root))
    now = time.time()
    try:
        found = store.current()
        if found is None:
            return None
        return TlsState(now, *found, _missing(*found, _bound(str(store.server.parent), observed)))
    except StackError as error:
        return Unavailable(error.message, "tls")


def _bound(folder: str, observed: Sequence[Observed]) -> str:
    """The host address of the gateway that reads a folder; "" if none does."""
    for seen in observed:
        if any(mount.source == folder for mount in seen.service.mounts):
            for port in seen.service.ports:
                if port.container == _PORT:
                    return port.address or _EVERYWHERE[0]
    return ""


def _missing(certificate: Certificate, order: Order, bind: str) -> tuple[str, ...]:
    """What the gateway is published on; where the owner chose the names, they are his business."""
    if order.origin is not Origin.LOCAL or order.names or not bind:
        return ()
    wanted = names.addresses() if bind in _EVERYWHERE else (bind,)
    known = {*certificate.names, *order.left_out}
    return tuple(address for address in wanted if address not in known)
