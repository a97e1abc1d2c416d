"""`stackctl tls show`: the certificate, until when, and whether the gateway serves it."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

from stackctl.commands.tls import installing
from stackctl.connect import trust
from stackctl.model import StackError, Unavailable
from stackctl.model.certificate import Certificate, Order, Origin
from stackctl.system import terminal
from stackctl.system.certificates import authority, read
from stackctl.system.certificates.store import Store

_ORIGIN = {
    Origin.LOCAL: "of the local CA; renewed by watch, or: stackctl tls renew",
    Origin.OWN: "your own; the next one: stackctl tls use CERT KEY",
    Origin.ACME: "by ACME of {directory}; renewed by watch, or: stackctl tls renew",
}


def show(*, as_json: bool) -> int:
    """1 if the gateway runs and shows another certificate than this, or this one has expired."""
    root, store = installing.open_store()
    found = store.current()
    if found is None:
        if not as_json:
            raise StackError("the gateway has no certificate yet", fix="stackctl tls init")
        terminal.out(json.dumps({"certificate": None}, indent=2))
        return 1
    certificate, order = found
    served, where = _served(root, certificate)
    ca = _ca(store, order)
    expired = certificate.left(time.time()) <= 0
    if as_json:
        terminal.out(_json(store, certificate, order, ca, served, where))
    else:
        terminal.out("\n".join(_lines(store, certificate, order, ca, served, where)))
    return 1 if expired or served is False else 0


def _served(root: Path, certificate: Certificate) -> tuple[bool | Unavailable, str]:
    """Whether the gateway shows it, and where."""
    try:
        pair = installing.gateway(root)
    except StackError as error:
        return Unavailable(error.message), ""
    if pair is None or not pair[1].running:
        return Unavailable("the gateway does not run"), ""
    seen = installing.serving(pair[0])
    where = installing.shown(installing.published(pair[0]))
    return (seen if isinstance(seen, Unavailable) else seen == certificate.fingerprint), where


def _ca(store: Store, order: Order) -> Certificate | None:
    if order.origin is not Origin.LOCAL:
        return None
    found = authority.certificate(store)
    return read.describe(found) if found else None


def _lines(
    store: Store,
    certificate: Certificate,
    order: Order,
    ca: Certificate | None,
    served: bool | Unavailable,
    where: str,
) -> list[str]:
    lines = [
        f"certificate  {', '.join(certificate.names)}",
        f"valid        {installing.until(certificate)}",
        f"signed by    {certificate.issuer}",
        f"made         {_ORIGIN[order.origin].format(directory=order.directory)}",
        f"sha256       {trust.colons(certificate.fingerprint)}",
    ]
    if ca:
        lines += [
            f"CA           {store.ca}, {installing.until(ca)}",
            f"CA sha256    {trust.colons(ca.fingerprint)}",
        ]
    if served is True:
        lines.append(f"served       by the gateway: {where}")
    elif served is False:
        lines.append(f"served       NO: the gateway shows another certificate: {where}")
        lines.append("             fix: stackctl restart gateway")
    else:
        lines.append(f"served       unknown: {served.reason}")
    if order.failure:
        lines.append(f"renewal      FAILED: {order.failure}")
    return lines


def _json(
    store: Store,
    certificate: Certificate,
    order: Order,
    ca: Certificate | None,
    served: bool | Unavailable,
    where: str,
) -> str:
    return json.dumps(
        {
            "certificate": asdict(certificate),
            "order": asdict(order),
            "expired": certificate.left(time.time()) <= 0,
            "renewal_due": order.origin is not Origin.OWN and certificate.due(time.time()),
            "ca": {"file": str(store.ca), **asdict(ca)} if ca else None,
            "served": served if isinstance(served, bool) else None,
            "served_reason": served.reason if isinstance(served, Unavailable) else "",
            "url": where,
        },
        indent=2,
    )
