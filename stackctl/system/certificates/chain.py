"""Whether a certificate and its issuers can serve: put in order, whole, and taken by clients."""

from __future__ import annotations

import datetime
import ssl
import warnings
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from stackctl.model import StackError
from stackctl.system.certificates.read import Key, called, names

#: what OpenSSL refuses at the security level that distributions set
_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class Bundle:
    """What HAProxy loads: the server's certificate, those between it and its root, the key."""

    chain: tuple[x509.Certificate, ...]
    key_pem: bytes
    notes: tuple[str, ...] = ()  # what was put right, and what the owner should know

    def __repr__(self) -> str:
        return f"Bundle({[called(each) for each in self.chain]!r})"

    @property
    def pem(self) -> bytes:
        """The chain with the key behind it."""
        return b"".join(each.public_bytes(Encoding.PEM) for each in self.chain) + self.key_pem


def bundle(
    found: Sequence[x509.Certificate],
    key: Key,
    at: datetime.datetime,
    roots: Sequence[x509.Certificate] = (),
) -> Bundle:
    """Certificates in any order, and a key -> what HAProxy is given. StackError if clients would
    refuse it. `roots`: what clients trust, as far as we know."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    fitting = [each for each in found if _public(each) == public]
    if not fitting:
        raise StackError(
            f"the key does not fit: it is not the one of {called(found[0])}",
            fix="use the key with which that certificate was asked for",
        )
    leaf = max(fitting, key=lambda each: each.not_valid_after_utc)
    _serves(leaf, key, at)
    chain = _chain(leaf, found)
    notes = []
    if list(found[: len(chain)]) != chain:
        notes.append("the certificates were put in order: the server's first, then its issuers")
    notes += [_ended(each) for each in chain[1:] if each.not_valid_after_utc <= at]
    top = chain[-1]
    if len(chain) > 1 and _issued(top, top):
        chain = chain[:-1]  # clients have the root, or it proves nothing to them
        if not any(_same(top, root) for root in roots):
            notes.append(f"clients must trust {called(top)}: give them its certificate")
    elif not any(_issued(top, root) for root in roots):
        notes.append(_open_end(top))
    if isinstance(key, ed25519.Ed25519PrivateKey):
        notes.append("browsers do not take Ed25519 keys; most other clients do")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Bundle(tuple(chain), pem, tuple(notes))


def system_roots() -> tuple[x509.Certificate, ...]:
    """What this host trusts, which is about what clients do."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    for file in filter(None, (paths.cafile, "/etc/ssl/certs/ca-certificates.crt")):
        if Path(file).is_file():
            context.load_verify_locations(file)
    roots = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # some roots are from the days before rules were strict
        for der in context.get_ca_certs(binary_form=True):
            with suppress(ValueError):
                roots.append(x509.load_der_x509_certificate(der))
    return tuple(roots)


def _serves(leaf: x509.Certificate, key: Key, at: datetime.datetime) -> None:
    """That clients would take it as a server's."""
    who = called(leaf)
    if leaf.not_valid_after_utc <= at:
        raise StackError(_ended(leaf), fix="get a new one; or: stackctl tls init")
    if leaf.not_valid_before_utc > at:
        raise StackError(
            f"{who} is valid only from {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on",
            fix="look at this host's clock: timedatectl",
        )
    if not names(leaf):
        raise StackError(
            f"{who} names no host (no subjectAltName), so every client refuses it",
            fix="get one that has the names and addresses of this box as subjectAltName",
        )
    try:
        usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    if not {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & {*usage}:
        raise StackError(f"{who} is no server's certificate", fix="get one for a TLS server")
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < _RSA_BITS:
        raise StackError(
            f"the key has {key.key_size} bits: OpenSSL refuses RSA keys below {_RSA_BITS}",
            fix="get a certificate for a new key: EC P-256, or RSA 2048",
        )
    if isinstance(leaf.signature_hash_algorithm, hashes.SHA1 | hashes.MD5):
        raise StackError(
            f"{who} is signed with {leaf.signature_hash_algorithm.name}, which clients refuse",
            fix="get one that is signed with SHA-256",
        )


def _chain(leaf: x509.Certificate, found: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """From the server's certificate upwards, as far as the file goes."""
    chain = [leaf]
    while True:
        issuer = next((c for c in found if c not in chain and _issued(chain[-1], c)), None)
        if issuer is None:
            return chain
        chain.append(issuer)


def _open_end(top: x509.Certificate) -> str:
    """The issuer of the last one is nobody we know. A note, or a StackError where a part lacks."""
    if _issued(top, top):
        return f"clients must trust {called(top)}: give them this certificate itself"
    try:
        access = top.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return f"clients must trust {top.issuer.rfc4514_string()}: give them its certificate"
    issuers = AuthorityInformationAccessOID.CA_ISSUERS
    places = [each.access_location.value for each in access if each.access_method == issuers]
    if not places:
        return f"clients must trust {top.issuer.rfc4514_string()}: give them its certificate"
    raise StackError(
        f"the chain breaks off: {top.issuer.rfc4514_string()}, who signed {called(top)}, is not "
        "in the file",
        fix="use the file with the chain (fullchain.pem), or put the issuer behind the "
        f"certificate: {places[0]}; of a CA of your own its root as well",
    )


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _same(one: x509.Certificate, other: x509.Certificate) -> bool:
    """The same root; its certificate may have been made anew."""
    return one.subject == other.subject and _public(one) == _public(other)


def _public(certificate: x509.Certificate) -> bytes:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return b""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _ended(certificate: x509.Certificate) -> str:
    return f"{called(certificate)} ended at {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
