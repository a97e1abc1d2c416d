"""`stackctl tls use CERT KEY`: a certificate that the owner brings."""

from __future__ import annotations

from pathlib import Path

from stackctl.commands.tls import installing
from stackctl.model.certificate import Order, Origin
from stackctl.system import files, terminal
from stackctl.system.certificates import chain, read


def use(certificate: Path, key: Path, *, dry_run: bool) -> int:
    """Check that clients would take it, and install it."""
    found = read.certificates(read.contents(certificate), certificate)
    own = read.private_key(read.contents(key), key)
    bundle = chain.bundle(found, own, read.now(), chain.system_roots())
    leaf = read.describe(bundle.chain[0])
    lines = [f"certificate  {', '.join(leaf.names)}; {installing.until(leaf)}"]
    lines += [f"signed by    {each.issuer.rfc4514_string()}" for each in bundle.chain]
    lines += [f"note         {note}" for note in bundle.notes]
    root, store = installing.open_store()
    if dry_run:
        terminal.out("\n".join([*lines, f"would write {store.server}"]))
        return 0
    with files.lock(store.lock, "tls use"):
        said = installing.install(root, store, bundle.pem, leaf, Order(Origin.OWN))
    terminal.out("\n".join([*lines, said]))
    terminal.out("stackctl does not renew it: run this again with the next one")
    return 0
