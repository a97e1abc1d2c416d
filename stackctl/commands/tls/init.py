"""`stackctl tls init`: a local CA, made once, and a certificate of it for the gateway."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stackctl.commands.tls import installing
from stackctl.connect import trust
from stackctl.model import StackError
from stackctl.model.certificate import Certificate, Order, Origin
from stackctl.system import files, terminal
from stackctl.system.certificates import authority, make, names, read
from stackctl.system.certificates.store import Store


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be signed, and by whom. `left_out`: addresses that the CA may not sign."""

    ca: make.Pair
    new: bool
    names: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def init(typed: Sequence[str], *, days: int, force: bool, dry_run: bool) -> int:
    """Make what lacks, and let the gateway serve it. A CA that is there stays."""
    wanted = names.distinct(names.typed(name) for name in typed)
    root, store = installing.open_store()
    if not force:
        _spare(store)
    if dry_run:
        terminal.out(_told(plan(store, wanted, force=force), store, days))
        return 0
    with files.lock(store.lock, "tls init"):
        made = plan(store, wanted, force=force)
        if made.new:
            authority.save(store, made.ca)
        said, made_now = sign(root, store, made, Order(Origin.LOCAL, wanted, days))
    ca = read.describe(made.ca.certificate)
    state = "made now" if made.new else "as before"
    terminal.out(f"local CA     {store.ca} ({state}), {installing.until(ca)}")
    terminal.out(f"certificate  {', '.join(made_now.names)}; {installing.until(made_now)}")
    for name in made.left_out:
        terminal.out(f"left out     {name}: the CA was not made for it (docs/tls.md)")
    terminal.out(f"{said}\n\n{trust.how(store.ca, ca.fingerprint)}")
    return 0


def plan(store: Store, wanted: tuple[str, ...], *, force: bool = False) -> Plan:
    """The CA there is, or a new one where there is none; with `force` also where the one there is
    cannot sign. StackError if it cannot. Writes nothing."""
    now = read.now()
    try:
        ca = authority.load(store)
        if ca and ca.certificate.not_valid_after_utc <= now:
            ca = None if force else ca
    except StackError:
        if not force:
            raise
        ca = None
    box = names.of_this_box()
    chosen = wanted or box
    outside = make.refused(ca.certificate, chosen) if ca else ()
    if ca is None or (wanted and outside and force):
        permitted = names.distinct([*chosen, *box])  # what may be asked for next
        return Plan(make.authority(socket.gethostname(), permitted, now), True, chosen)
    if wanted:
        return Plan(ca, False, wanted)
    return Plan(ca, False, tuple(n for n in chosen if n not in outside), outside)


def sign(root: Path, store: Store, made: Plan, order: Order) -> tuple[str, Certificate]:
    """Sign and install; what became of it, and what was signed."""
    pair = make.server(made.ca, made.names, order.days or make.SERVER_DAYS, read.now())
    ends = made.ca.certificate.not_valid_after_utc.timestamp()
    order = replace(order, left_out=made.left_out, ca_ends=ends)
    made_now = read.describe(pair.certificate)
    return installing.install(root, store, pair.pem + pair.key_pem, made_now, order), made_now


def _spare(store: Store) -> None:
    """A certificate that the owner brought or paid for is not replaced in passing."""
    found = store.current()
    if found is None:
        return
    current, order = found
    if current.left(time.time()) <= 0:
        return
    if order.origin is not Origin.LOCAL:
        whose = "your own" if order.origin is Origin.OWN else f"of {order.directory}"
        raise StackError(
            f"the gateway has a certificate that is valid, {whose}: {', '.join(current.names)}",
            fix="stackctl tls init --force replaces it by one of a local CA",
        )


def _told(made: Plan, store: Store, days: int) -> str:
    ca = f"make a local CA: {store.ca}" if made.new else f"keep the local CA {store.ca}"
    if made.new and authority.certificate(store):
        ca = f"make a new local CA, which every client must then trust: {store.ca}"
    lines = [
        f"would {ca}",
        f"would sign for {days} days: {', '.join(made.names)}",
        f"would write {store.server}, and let a gateway that runs read it",
    ]
    return "\n".join(lines)
