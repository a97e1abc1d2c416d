"""The local CA and the key of the ACME account, on the disk."""

from __future__ import annotations

from contextlib import suppress

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from stackctl.model import StackError
from stackctl.system.certificates import make
from stackctl.system.certificates.store import Store

_FRESH = "stackctl tls init --force makes a new CA; every client must then trust it"


def load(store: Store) -> make.Pair | None:
    """The local CA; None before there is one. StackError of one that is no longer whole."""
    data, key_data = store.read(store.ca), store.read(store.ca_key)
    if data is None:  # a key alone is a `tls init` that was ended in the middle
        return None
    if key_data is None:
        raise StackError(f"{store.ca} is there, its key {store.ca_key} is not", fix=_FRESH)
    try:
        pair = make.Pair(x509.load_pem_x509_certificate(data), make.load_key(key_data))
    except ValueError:
        raise StackError(f"{store.ca} or {store.ca_key} is damaged", fix=_FRESH) from None
    if pair.certificate.public_key() != pair.key.public_key():
        raise StackError(f"{store.ca_key} is not the key of {store.ca}", fix=_FRESH)
    return pair


def save(store: Store, ca: make.Pair) -> None:
    """Keep a new CA."""
    # the certificate last: it is what says that there is a CA
    with suppress(FileNotFoundError):
        store.ca.unlink()
    store.write(store.ca_key, ca.key_pem, 0o600)
    store.write(store.ca, ca.pem, 0o644)


def certificate(store: Store) -> x509.Certificate | None:
    """That of the CA, which needs no right to read its key; None if there is no whole one."""
    try:
        data = store.read(store.ca)
        return x509.load_pem_x509_certificate(data) if data else None
    except (StackError, ValueError):
        return None


def account_key(store: Store) -> bytes:
    """The key of our account with ACME servers (PEM), made when it is first wanted."""
    data = store.read(store.account_key)
    if data is None:
        data = make.key_pem(make.new_key())
        store.write(store.account_key, data, 0o600)
    return data


def signed(store: Store) -> bytes:
    """The CA's certificate (PEM), if it signed what the gateway serves: then clients need it. Else
    nothing."""
    ca, pem = certificate(store), store.server_pem()
    if ca is None or pem is None:
        return b""
    try:
        x509.load_pem_x509_certificates(pem)[0].verify_directly_issued_by(ca)
    except (ValueError, TypeError, InvalidSignature):
        return b""
    return ca.public_bytes(Encoding.PEM)
