"""What the verbs of `stackctl tls` share: where the files are, and how the gateway gets them."""

from __future__ import annotations

import time
from pathlib import Path

from stackctl import settings
from stackctl.commands.gateway import apply
from stackctl.model import Container, Service, StackError, Unavailable
from stackctl.model.certificate import Certificate, Order
from stackctl.system.certificates import served
from stackctl.system.certificates.store import Store
from stackctl.system.docker import Docker

#: of the gateway, inside its container
TLS_PORT = 8443
_EVERY = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104
#: seconds until the new process of a reload has the port
_PATIENCE = 10.0


def open_store() -> tuple[Path, Store]:
    """The clone, and the files of its gateway's certificate."""
    root = settings.find_root()
    return root, Store(root / ".stackctl", *settings.gateway_user(root))


def gateway(root: Path) -> tuple[Service, Container] | None:
    """The gateway's container. StackError if Docker does not answer."""
    return apply.found(Docker(), apply.Place(root))


def published(service: Service) -> tuple[str, int] | None:
    """Host address and port of the gateway's TLS; None if it is not published."""
    ports = (port for port in service.ports if port.container == TLS_PORT)
    found = next(ports, None)
    return (found.address, found.host) if found else None


def install(root: Path, store: Store, pem: bytes, certificate: Certificate, order: Order) -> str:
    """Put a certificate with its key (`pem`) in place, and let the gateway read it; what became of
    that, in words. What HAProxy does not take changes nothing, and is a StackError."""
    before = store.server_pem()
    store.save_server(pem)
    try:
        said = _reload(root, certificate.fingerprint)
    except StackError:
        store.save_server(before)
        raise
    store.save(pem, certificate, order)
    return said


def _reload(root: Path, fingerprint: str) -> str:
    docker, place = Docker(), apply.Place(root)
    try:
        pair = apply.found(docker, place)
    except StackError as error:
        return f"the gateway reads it when it starts; now it could not be asked: {error.message}"
    if pair is None or not pair[1].running:
        return "the gateway reads it when it starts: stackctl up gateway"
    apply.refresh(root, docker)
    return _proven(pair[0], fingerprint)


def _proven(service: Service, fingerprint: str) -> str:
    """That the port shows what was installed, which a reload alone does not say."""
    until = time.monotonic() + _PATIENCE
    while (seen := serving(service)) != fingerprint and time.monotonic() < until:
        time.sleep(0.1)
    where = shown(published(service))
    if seen == fingerprint:
        return f"the gateway serves it: {where}"
    reason = seen.reason if isinstance(seen, Unavailable) else "it still shows another certificate"
    return f"the gateway was told to serve it, and does not yet: {where}: {reason}"


def serving(service: Service) -> str | Unavailable:
    """sha256 of the certificate that the gateway shows to a client of this host."""
    place = published(service)
    if place is None:
        return Unavailable("its TLS port is not published", "unpublished")
    address, port = place
    return served.fingerprint(_EVERY.get(address, address), port)


def shown(place: tuple[str, int] | None) -> str:
    """Where this host reaches it, as a URL."""
    if place is None:
        return "not published"
    return f"https://{local(place[0])}:{place[1]}"


def local(bound: str) -> str:
    """Where this host reaches what is bound to an address, as URLs have it."""
    address = _EVERY.get(bound, bound)
    return f"[{address}]" if ":" in address else address


def until(certificate: Certificate) -> str:
    """`until 2027-12-23 (397 days)`; its last day in this host's time."""
    days = certificate.left(time.time()) / 86400
    day = time.strftime("%Y-%m-%d", time.localtime(certificate.not_after))
    return f"until {day} ({days:.0f} days)" if days > 0 else f"EXPIRED at {day}"
