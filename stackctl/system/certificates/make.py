"""The local CA, and the certificates that it signs. Nothing is read or written here.

The CA is trusted on the owner's devices, so a key of it that is stolen must not be good for their
bank: name constraints, critical, hold it to private networks and to the names of this box.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stackctl.model import StackError
from stackctl.system.certificates.names import PRIVATE, Address, address

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

CA_DAYS = 3653
#: browsers take no more of public CAs, and nothing is gained by more where a timer renews
SERVER_DAYS = 397
#: clients' clocks may be slow
_EARLIER = datetime.timedelta(hours=1)
_PRIVATE_NETWORKS: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",  # also what Tailscale gives
        "169.254.0.0/16",
        "127.0.0.0/8",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key. The key never shows in a repr."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def __repr__(self) -> str:
        return f"Pair({self.certificate.subject.rfc4514_string()!r})"

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return key_pem(self.key)


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def load_key(data: bytes) -> ec.EllipticCurvePrivateKey:
    """A key that key_pem() wrote. ValueError of any other."""
    key = load_pem_private_key(data, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("no key of ours")
    return key


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def authority(box: str, names: Iterable[str], now: datetime.datetime) -> Pair:
    """A new CA of a box, for private networks and `names`."""
    key = new_key()
    # a part that is new each time: two CAs of the same name confuse trust stores
    mark = f"{x509.random_serial_number() & 0xFFFFFF:06x}"
    name = _name(f"stackctl CA of {_short(box)} ({mark})")
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    builder = (
        _builder(name, name, key, now - _EARLIER, now + datetime.timedelta(days=CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs=True), critical=True)
        .add_extension(usage, critical=False)
        .add_extension(x509.NameConstraints(_permitted(names), None), critical=True)
    )
    return Pair(builder.sign(key, hashes.SHA256()), key)


def server(ca: Pair, names: Sequence[str], days: int, now: datetime.datetime) -> Pair:
    """A certificate for `names`, which ends no later than its CA. StackError if the CA may not
    sign one of them, or has ended."""
    if outside := refused(ca.certificate, names):
        raise StackError(
            f"the local CA was made for this box and private networks, not for "
            f"{', '.join(outside)}",
            fix="leave that out, or make a new CA with --force; every client must then trust it",
        )
    starts = now - _EARLIER
    ends = min(starts + datetime.timedelta(days=days), ca.certificate.not_valid_after_utc)
    if ends <= now:
        raise StackError(
            f"the local CA ended at {ca.certificate.not_valid_after_utc:%Y-%m-%d}",
            fix="stackctl tls init --force makes a new one; every client must then trust it",
        )
    key = new_key()
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    issuer = ca.certificate
    # a name with blanks: nothing takes it for a host's that the constraints must permit
    builder = (
        _builder(_name("stackctl gateway"), issuer.subject, key, starts, ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs=False), critical=True)
        .add_extension(usage, critical=False)
        .add_extension(x509.SubjectAlternativeName([general(n) for n in names]), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca.key.public_key()), critical=False
        )
    )
    return Pair(builder.sign(ca.key, hashes.SHA256()), key)


def request(name: str) -> tuple[bytes, bytes]:
    """Key and certificate signing request (both PEM) for an ACME server."""
    key = new_key()
    csr = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([]))
        .add_extension(x509.SubjectAlternativeName([general(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key_pem(key), csr.public_bytes(Encoding.PEM)


def general(name: str) -> x509.GeneralName:
    """A name or an address as certificates have it."""
    found = address(name)
    return x509.IPAddress(found) if found else x509.DNSName(name)


def refused(ca: x509.Certificate, names: Iterable[str]) -> tuple[str, ...]:
    """Those that the CA's name constraints do not permit; none of a CA without any."""
    try:
        trees = ca.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
    except x509.ExtensionNotFound:
        return ()
    hosts = [tree.value for tree in trees or () if isinstance(tree, x509.DNSName)]
    networks = [tree.value for tree in trees or () if isinstance(tree, x509.IPAddress)]

    def permitted(name: str) -> bool:
        if found := address(name):
            return any(isinstance(n, Network) and found in n for n in networks)
        return any(name == host or name.endswith(f".{host}") for host in hosts)

    return tuple(name for name in names if not permitted(name))


def _permitted(names: Iterable[str]) -> list[x509.GeneralName]:
    hosts, networks = list(PRIVATE), list(_PRIVATE_NETWORKS)
    for name in names:
        found = address(name)
        if found and not any(found in network for network in networks):
            networks.append(_around(found))
        elif not found and not any(name == h or name.endswith(f".{h}") for h in hosts):
            hosts.append(name)
    return [*map(x509.DNSName, hosts), *map(x509.IPAddress, networks)]


def _around(found: Address) -> Network:
    """A public address; of IPv6 its subnet, as the host's part of it changes."""
    if isinstance(found, ipaddress.IPv4Address):
        return ipaddress.ip_network(found)
    return ipaddress.ip_network((found, 64), strict=False)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    starts: datetime.datetime,
    ends: datetime.datetime,
) -> x509.CertificateBuilder:
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _short(box: str) -> str:
    """X.509 gives a common name 64 characters."""
    return box.split(".")[0][:30] or "this box"
