"""Certificates as others make them, good and bad."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
)

from stackctl.system.certificates.make import general

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Made:
    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def key_bytes(self, password: str = "", *, der: bool = False) -> bytes:
        lock: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if password:
            lock = serialization.BestAvailableEncryption(password.encode())
        encoding = serialization.Encoding.DER if der else serialization.Encoding.PEM
        found: bytes = self.key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, lock)
        return found


def made(
    name: str,
    issuer: Made | None = None,
    *,
    names: Sequence[str] = (),
    ca: bool = False,
    key: Any = None,
    starts: datetime.datetime = NOW - DAY,
    ends: datetime.datetime = NOW + 90 * DAY,
    usage: ObjectIdentifier | None = ExtendedKeyUsageOID.SERVER_AUTH,
    issuer_url: str = "",
) -> Made:
    """One of `issuer`, or self-signed."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if names:
        san = x509.SubjectAlternativeName([general(each) for each in names])
        builder = builder.add_extension(san, critical=False)
    if usage and not ca:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if issuer_url:
        where = x509.UniformResourceIdentifier(issuer_url)
        access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)
        builder = builder.add_extension(x509.AuthorityInformationAccess([access]), critical=False)
    signer = issuer.key if issuer else key
    return Made(builder.sign(signer, hashes.SHA256()), key)


ROOT = made("Some Root", ca=True)
BETWEEN = made("Some Intermediate", ROOT, ca=True)
LEAF = made("ai.example.org", BETWEEN, names=["ai.example.org", "192.168.1.5"])
OTHER = made("other.example.org", BETWEEN, names=["other.example.org"])
SHORT_RSA = rsa.generate_private_key(65537, 1024)
