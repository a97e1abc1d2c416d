"""`stackctl tls renew`, and the same by the watch timer."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from stackctl.commands.tls import installing
from stackctl.model import StackError
from stackctl.model.certificate import Certificate, Order, Origin
from stackctl.system import files, terminal
from stackctl.system.certificates.store import Store

#: seconds after a renewal that failed: Let's Encrypt allows five failed proofs an hour
_PAUSE = 6 * 3600.0


def renew(*, force: bool, dry_run: bool) -> int:
    """A new certificate if less than a third of the old one's life is left."""
    root, store = installing.open_store()
    found = store.current()
    if found is None:
        raise StackError("the gateway has no certificate yet", fix="stackctl tls init")
    certificate, order = found
    if order.origin is Origin.OWN:
        raise StackError(
            f"this certificate is your own ({installing.until(certificate)}), and only you can "
            "get the next one",
            fix="stackctl tls use CERT KEY",
        )
    why = "asked for" if force else due(certificate, order)
    if not why:
        terminal.out(f"nothing to do: {installing.until(certificate)}")
        return 0
    if dry_run:
        terminal.out(f"would renew {', '.join(certificate.names)}: {why}")
        return 0
    with files.lock(store.lock, "tls renew"):
        said, made = _again(root, store, order)
    terminal.out(f"renewed      {', '.join(made.names)}; {installing.until(made)}\n{said}")
    return 0


def renew_if_due() -> None:
    """What the timer does each minute. Nothing is raised: a failure is kept, and told by the check
    `gateway.tls` of the same round."""
    with suppress(StackError):
        root, store = installing.open_store()
        found = store.current()
        if found is None or not due(*found) or time.time() < found[1].failed_at + _PAUSE:
            return
        with files.lock(store.lock, "verify --heal"):
            _try(root, store, *found)


def due(certificate: Certificate, order: Order) -> str:
    """Why it is time; "" if it is not, or if it is not for us to renew."""
    now = time.time()
    if order.origin is Origin.OWN or not certificate.due(now):
        return ""
    days = certificate.left(now) / 86400
    return f"{days:.0f} days are left" if days > 0 else "it has expired"


def _try(root: Path, store: Store, certificate: Certificate, order: Order) -> None:
    try:
        _again(root, store, order)
        return
    except StackError as error:
        failure = f"{error.message}; {error.fix}" if error.fix else error.message
    except Exception as error:  # noqa: BLE001 - a certificate must never cost a look at the box
        failure = f"a bug in stackctl: {type(error).__name__}: stackctl tls renew"
    if pem := store.server_pem():
        store.save(pem, certificate, replace(order, failed_at=time.time(), failure=failure))


def _again(root: Path, store: Store, order: Order) -> tuple[str, Certificate]:
    wanted = replace(order, failed_at=0.0, failure="")
    # each of both brings libraries that a look every minute does without
    if order.origin is Origin.ACME:
        from stackctl.commands.tls import acme

        return acme.fetch(root, store, wanted)
    from stackctl.commands.tls import init

    plan = init.plan(store, order.names)
    if plan.new:
        raise StackError(
            f"the local CA is gone: {store.ca}",
            fix="put it back from a backup; or make a new one, which every client must then trust: "
            "stackctl tls init",
        )
    return init.sign(root, store, plan, wanted)
