"""The public key of a TLS server, as curl's --pinnedpubkey knows it."""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl


def of(host: str, port: int, timeout: float = 5.0) -> str:
    """Base64 of the key's sha256; "" if no TLS comes about there."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    how = ssl.create_default_context()
    # it is our own, on this machine, and this is to find out which key it has
    how.check_hostname = False
    how.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), timeout) as plain,
            how.wrap_socket(plain) as secure,
        ):
            raw = secure.getpeercert(binary_form=True) or b""
        key = x509.load_der_x509_certificate(raw).public_key()
    except (OSError, ValueError):
        return ""
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()
