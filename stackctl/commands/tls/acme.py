"""`stackctl tls acme NAME`: a certificate of Let's Encrypt, or of another ACME server."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stackctl.commands.gateway import apply
from stackctl.commands.tls import installing
from stackctl.gateway import render
from stackctl.model import Port, StackError, Unavailable
from stackctl.model.certificate import Certificate, Order, Origin
from stackctl.system import acme as server
from stackctl.system import files, haproxy, http, terminal
from stackctl.system.certificates import authority, chain, names, read
from stackctl.system.certificates.store import Store

#: of the gateway, inside its container: it answers proofs and nothing else
PROOF_PORT = 8081
_MAP = f"{render.TLS}/acme.map"
_LOOPBACK = ("127.0.0.1", "::1")


def acme(typed: str, *, email: str, directory: str, agree: bool, dry_run: bool) -> int:
    """Look whether the proof can work, then ask for the certificate and install it."""
    name = _public_name(typed, own=directory not in (server.LETS_ENCRYPT, server.STAGING))
    terms = server.terms(directory)
    if terms and not agree and not dry_run:
        raise StackError(
            f"an account there means that you agree to {terms}",
            fix="read it, then add --agree-tos",
            exit_code=2,
        )
    root, store = installing.open_store()
    with files.lock(store.lock, "tls acme"):
        for line in _rehearse(root, store, name, official=directory == server.LETS_ENCRYPT):
            terminal.out(line)
        if dry_run:
            terminal.out(f"would ask {directory} for a certificate for {name}")
            return 0
        order = Order(Origin.ACME, (name,), directory=directory, email=email)
        said, certificate = fetch(root, store, order)
    terminal.out(f"certificate  {', '.join(certificate.names)}; {installing.until(certificate)}")
    terminal.out(f"signed by    {certificate.issuer}")
    if directory == server.STAGING:
        terminal.out("note         of the staging server, for trying out: clients refuse it")
    terminal.out(f"{said}\nwatch (make watch-install) renews it, or: stackctl tls renew")
    return 0


def fetch(root: Path, store: Store, order: Order) -> tuple[str, Certificate]:
    """Prove, get and install what is ordered; what became of it, and what came."""
    (name,) = order.names
    wish = server.Wish(name, order.directory, authority.account_key(store), order.email)
    run = apply.Place(root).run
    pem, key_pem = server.obtain(wish, lambda token, text: _answering(store, run, token, text))
    key = read.private_key(key_pem, store.server)
    bundle = chain.bundle(read.certificates(pem, store.server), key, read.now())
    leaf = read.describe(bundle.chain[0])
    return installing.install(root, store, bundle.pem, leaf, order), leaf


@contextmanager
def _answering(store: Store, run: Path, token: str, text: str) -> Iterator[None]:
    """As long as the block runs, the gateway answers to `token`."""
    row = f"{token} {text}\n"
    store.save_challenges(row)  # for a gateway that is started anew just now
    try:
        haproxy.set_map(run, _MAP, row)
        yield
    finally:
        store.save_challenges("")
        with suppress(StackError):  # what went wrong before tells more
            haproxy.set_map(run, _MAP, "")


def _public_name(typed: str, *, own: bool) -> str:
    if "*" in typed:
        raise StackError(
            "a wildcard is proven by DNS, and stackctl proves by HTTP",
            fix="name the box, e.g. ai.example.org; or get it elsewhere and: stackctl tls use",
            exit_code=2,
        )
    name = names.typed(typed)
    if names.address(name):
        raise StackError(
            f"{name} is an address, a name is wanted", fix="stackctl tls init", exit_code=2
        )
    if not own and names.private(name):
        raise StackError(
            f"{name} is no name of the internet, so no authority signs it",
            fix=f"stackctl tls init --name {name}",
            exit_code=2,
        )
    return name


def _rehearse(root: Path, store: Store, name: str, *, official: bool) -> Iterator[str]:
    """What the authority will do, done by us as far as this host can. What is certain to fail is
    a StackError: an authority allows few failures an hour."""
    pair = installing.gateway(root)
    if pair is None or not pair[1].running:
        raise StackError(
            "the gateway, which answers to the authority, does not run", fix="stackctl up gateway"
        )
    port = next((p for p in pair[0].ports if p.container == PROOF_PORT), None)
    if port is None:
        raise StackError(
            f"the gateway does not publish its port {PROOF_PORT}",
            fix="stackctl restart gateway makes its container anew",
        )
    if port.address in _LOOPBACK and official:
        raise StackError(
            f"port {port.host}, which answers to the authority, is bound to {port.address} only",
            fix="GATEWAY_ACME_BIND=0.0.0.0 in env/stack.env, then: stackctl up gateway",
        )
    token, text = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
    with _answering(store, apply.Place(root).run, token, text):
        yield from _look(port, name, token, text, official=official)


def _look(port: Port, name: str, token: str, text: str, *, official: bool) -> Iterator[str]:
    path = server.PATH + token
    here = installing.local(port.address)
    got = http.get(f"http://{here}:{port.host}", path)
    if got != (200, text):
        raise StackError(
            f"the gateway does not answer on http://{here}:{port.host}{server.PATH}",
            fix="stackctl verify; stackctl logs gateway",
        )
    yield f"here         the gateway answers on port {port.host}"
    found = server.resolve(name)
    if isinstance(found, Unavailable) or not any(map(server.public, found)):
        told = found.reason if isinstance(found, Unavailable) else f"it leads to {found[0]}"
        if official:
            raise StackError(
                f"{name} has no address that the internet knows: {told}",
                fix="let its A record (AAAA for IPv6) be your router's public address",
            )
        yield f"name         not public: {told}"
    else:
        yield f"name         {name}: {', '.join(found)}"
    if http.get(f"http://{name}", path) == (200, text):
        yield f"port 80      http://{name} leads to this gateway, as seen from this host"
    else:
        # many routers do not lead back in whoever asks from inside
        yield (
            f"port 80      not proven from here: the router must lead port 80 to port {port.host} "
            "of this box"
        )
