"""The public key of a TLS server, as curl's --pinnedpubkey knows it."""

from __future__ import annotations

import base64
import hashlib

from stackctl.model import Unavailable
from stackctl.system.certificates import served


def of(host: str, port: int) -> str:
    """Base64 of the key's sha256; "" if no TLS comes about there."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    shown = served.certificate(host, port)
    if isinstance(shown, Unavailable):
        return ""
    try:
        key = x509.load_der_x509_certificate(shown).public_key()
    except ValueError:
        return ""
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()
