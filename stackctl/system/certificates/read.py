"""Certificates and keys as others made them: what is in a file, and what it says."""

from __future__ import annotations

import datetime
import itertools
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from stackctl.model import StackError
from stackctl.model.certificate import Certificate
from stackctl.system import durable

#: a file of certificates beyond this is none
_LARGEST = 1 << 20
_BEGIN, _BEGIN_CERTIFICATE = b"-----BEGIN ", b"-----BEGIN CERTIFICATE-----"
Key: TypeAlias = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


def now() -> datetime.datetime:
    """As certificates tell the time."""
    return datetime.datetime.now(datetime.UTC)


def contents(path: Path) -> bytes:
    """A file that the user named; what cannot be read is a mistake of usage."""
    try:
        if path.stat().st_size > _LARGEST:
            raise _bad(path, "larger than 1 MiB, so no certificate and no key", f"ls -l {path}")
        return path.read_bytes()
    except OSError as error:
        fault = durable.fault(error, path)
        fix = "sudo, or copy it to where you may read it" if error.errno == 13 else f"ls -l {path}"
        raise StackError(fault.message, fix=fix, exit_code=2) from None


def certificates(data: bytes, path: Path) -> tuple[x509.Certificate, ...]:
    """All certificates of a file, PEM or DER. StackError if there is none."""
    if not data.strip():
        raise _bad(path, "empty", f"ls -l {path}")
    if b"-----BEGIN PKCS7-----" in data:
        raise _bad(path, "PKCS#7", f"openssl pkcs7 -print_certs -in {path} -out chain.pem")
    try:
        if _BEGIN_CERTIFICATE in data:
            return tuple(x509.load_pem_x509_certificates(data))
        if _BEGIN in data:
            raise _bad(path, "no certificate in it", "stackctl tls use CERTIFICATE KEY")
        return (x509.load_der_x509_certificate(data),)
    except ValueError:
        raise _bad(
            path, "no certificate that can be read", f"openssl x509 -in {path} -noout -text"
        ) from None


def private_key(data: bytes, path: Path) -> Key:
    """The private key of a file, PEM or DER. StackError if there is none that can serve."""
    if not data.strip():
        raise _bad(path, "empty", f"ls -l {path}")
    text = b"PRIVATE KEY-----" in data
    if not text and _BEGIN in data:
        raise _bad(path, "no private key in it", "stackctl tls use CERTIFICATE KEY")
    try:
        # with `BEGIN EC PARAMETERS` or certificates before it as well
        begins = data.rfind(_BEGIN, 0, data.find(b"PRIVATE KEY-----")) if text else 0
        key = (load_pem_private_key if text else load_der_private_key)(data[begins:], None)
    except TypeError:
        raise _bad(
            path,
            "the key is encrypted, and nobody is there to type its passphrase when the gateway "
            "starts",
            f"umask 077; openssl pkey -in {path} -out plain.key, then use plain.key",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        # a PKCS#12 is DER as well
        raise _bad(
            path,
            "no private key that can be read",
            f"openssl pkey -in {path} -noout; of a .pfx or .p12: umask 077; openssl pkcs12 -in "
            f"{path} -nodes -out all.pem, then: stackctl tls use all.pem all.pem",
        ) from None
    if not isinstance(key, Key):
        raise _bad(path, f"clients know no {type(key).__name__}", "use an EC or RSA key")
    return key


def describe(certificate: x509.Certificate) -> Certificate:
    """What it says, as plain data."""
    return Certificate(
        names(certificate),
        called(certificate),
        certificate.issuer.rfc4514_string(),
        certificate.not_valid_before_utc.timestamp(),
        certificate.not_valid_after_utc.timestamp(),
        certificate.fingerprint(hashes.SHA256()).hex(),
    )


def names(certificate: x509.Certificate) -> tuple[str, ...]:
    """DNS names and addresses it is for; none if it says so of nothing."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return ()
    san = extension.value
    return (
        *san.get_values_for_type(x509.DNSName),
        *(str(each) for each in san.get_values_for_type(x509.IPAddress)),
    )


def called(certificate: x509.Certificate) -> str:
    """Who it is of; what is public of a CA often has a name, of a server often only names."""
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    first = next(itertools.chain((str(c.value) for c in common), names(certificate)), "")
    return first or certificate.subject.rfc4514_string() or "a certificate without a name"


def _bad(path: Path, what: str, fix: str) -> StackError:
    return StackError(f"{path}: {what}", fix=fix, exit_code=2)
