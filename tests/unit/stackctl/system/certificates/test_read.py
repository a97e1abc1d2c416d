"""Certificates and keys that owners bring: what is taken, what is put right, what is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from stackctl.model import StackError
from stackctl.system.certificates import chain, read
from tests.unit.stackctl.system.certificates.odd import (
    BETWEEN,
    DAY,
    LEAF,
    NOW,
    OTHER,
    ROOT,
    SHORT_RSA,
    Made,
    made,
)

FILE = Path("given.pem")
ROOTS = (ROOT.certificate,)


def bundled(
    data: bytes, key: Made = LEAF, roots: tuple[x509.Certificate, ...] = ROOTS
) -> chain.Bundle:
    own = read.private_key(key.key_bytes(), FILE)
    return chain.bundle(read.certificates(data, FILE), own, NOW, roots)


def test_a_full_chain_is_taken_as_it_is() -> None:
    bundle = bundled(LEAF.pem + BETWEEN.pem)
    assert bundle.notes == ()
    assert bundle.pem == LEAF.pem + BETWEEN.pem + LEAF.key_bytes()
    assert "PRIVATE" not in repr(bundle)


@pytest.mark.parametrize(
    "data",
    [
        BETWEEN.pem + LEAF.pem,
        ROOT.pem + OTHER.pem + BETWEEN.pem + LEAF.pem,
        LEAF.pem + OTHER.pem + BETWEEN.pem,
    ],
)
def test_order_is_put_right_and_told(data: bytes) -> None:
    bundle = bundled(data)
    assert bundle.chain == (LEAF.certificate, BETWEEN.certificate)
    assert "put in order" in bundle.notes[0]


def test_a_root_in_the_file_is_not_sent() -> None:
    assert bundled(LEAF.pem + BETWEEN.pem + ROOT.pem).chain == (
        LEAF.certificate,
        BETWEEN.certificate,
    )
    (note,) = bundled(LEAF.pem + BETWEEN.pem + ROOT.pem, roots=()).notes
    assert "clients must trust Some Root" in note


def test_a_chain_that_breaks_off() -> None:
    public = made("x", BETWEEN, names=["x.org"], issuer_url="http://ca.example/between.der")
    with pytest.raises(StackError, match="chain breaks off: CN=Some Intermediate") as caught:
        bundled(public.pem, public)
    assert "http://ca.example/between.der" in caught.value.fix
    # without such a place it may well be the certificate of a private CA
    (note,) = bundled(LEAF.pem).notes
    assert note == "clients must trust CN=Some Intermediate: give them its certificate"


def test_a_self_signed_one_is_taken_with_a_note() -> None:
    alone = made("box", names=["box.lan"])
    (note,) = bundled(alone.pem, alone).notes
    assert "clients must trust box" in note


def test_of_two_with_the_same_key_the_newer_is_taken() -> None:
    newer = made(
        "ai.example.org", BETWEEN, names=["ai.example.org"], key=LEAF.key, ends=NOW + 99 * DAY
    )
    assert bundled(LEAF.pem + newer.pem + BETWEEN.pem).chain[0] == newer.certificate


def test_an_issuer_that_has_expired_is_told() -> None:
    old = made("Old", ROOT, ca=True, ends=NOW - DAY / 2)
    leaf = made("x.org", old, names=["x.org"])
    assert any("Old ended at" in note for note in bundled(leaf.pem + old.pem, leaf).notes)


REFUSED = {
    "does not fit": (LEAF, OTHER),
    "ended at": (made("x", BETWEEN, names=["x.org"], ends=NOW - DAY / 2), None),
    "valid only from": (made("x", BETWEEN, names=["x.org"], starts=NOW + DAY), None),
    "names no host": (made("x", BETWEEN), None),
    "no server's certificate": (
        made("x", BETWEEN, names=["x.org"], usage=ExtendedKeyUsageOID.CODE_SIGNING),
        None,
    ),
    "1024 bits": (made("x", BETWEEN, names=["x.org"], key=SHORT_RSA), None),
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_clients_would_refuse_is_refused(why: str) -> None:
    leaf, key = REFUSED[why]
    with pytest.raises(StackError, match=why) as caught:
        bundled(leaf.pem + BETWEEN.pem, key or leaf)
    assert caught.value.fix
    assert caught.value.exit_code == 1


@pytest.mark.parametrize("usage", [None, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
def test_other_words_for_a_server(usage: x509.ObjectIdentifier | None) -> None:
    leaf = made("x", BETWEEN, names=["x.org"], usage=usage)
    assert bundled(leaf.pem + BETWEEN.pem, leaf).notes == ()


def test_ed25519_is_told() -> None:
    leaf = made("x", BETWEEN, names=["x.org"], key=ed25519.Ed25519PrivateKey.generate())
    assert any("Ed25519" in note for note in bundled(leaf.pem + BETWEEN.pem, leaf).notes)


def test_der_is_taken() -> None:
    own = read.private_key(LEAF.key_bytes(der=True), FILE)
    bundle = chain.bundle(read.certificates(LEAF.der, FILE), own, NOW, (BETWEEN.certificate,))
    assert bundle.chain == (LEAF.certificate,)
    assert bundle.pem.startswith(b"-----BEGIN CERTIFICATE-----")


def test_all_in_one_file() -> None:
    text = LEAF.pem + LEAF.key_bytes() + BETWEEN.pem
    assert read.certificates(text, FILE) == (LEAF.certificate, BETWEEN.certificate)
    assert read.private_key(text, FILE).public_key() == LEAF.key.public_key()


def test_an_old_openssl_key_with_its_parameters(tmp_path: Path) -> None:
    argv = ["openssl", "ecparam", "-name", "prime256v1", "-genkey"]
    text = subprocess.run(argv, capture_output=True, check=True, timeout=30).stdout
    assert b"EC PARAMETERS" in text
    read.private_key(text, FILE)


def p12() -> bytes:
    lock = NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"x", LEAF.key, LEAF.certificate, None, lock)


def foreign_key() -> bytes:
    key = dsa.generate_private_key(1024)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("data", "why", "fix"),
    [
        (b"", "empty", "ls -l"),
        (b" \n", "empty", "ls -l"),
        (LEAF.key_bytes(), "no certificate in it", "CERTIFICATE KEY"),
        (b"hello", "no certificate that can be read", "openssl x509"),
        (LEAF.pem[:200], "no certificate that can be read", "openssl x509"),
        (b"-----BEGIN PKCS7-----\nMII=\n-----END PKCS7-----\n", "PKCS#7", "-print_certs"),
        (p12(), "no certificate that can be read", "openssl x509"),
    ],
)
def test_what_is_no_certificate(data: bytes, why: str, fix: str) -> None:
    with pytest.raises(StackError, match=f"given.pem: {why}") as caught:
        read.certificates(data, FILE)
    assert fix in caught.value.fix
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("data", "why", "fix"),
    [
        (b"", "empty", "ls -l"),
        (LEAF.pem, "no private key in it", "CERTIFICATE KEY"),
        (b"hello", "no private key that can be read", "openssl pkey"),
        (LEAF.key_bytes("secret"), "the key is encrypted", "openssl pkey"),
        (LEAF.key_bytes("secret", der=True), "the key is encrypted", "openssl pkey"),
        (p12(), "no private key that can be read", "openssl pkcs12"),
        (foreign_key(), "clients know no DSA", "EC or RSA"),
    ],
)
def test_what_is_no_key(data: bytes, why: str, fix: str) -> None:
    with pytest.raises(StackError, match=f"given.pem: {why}") as caught:
        read.private_key(data, FILE)
    assert fix in caught.value.fix
    assert caught.value.exit_code == 2
    assert "secret" not in caught.value.message + caught.value.fix


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "not-there", tmp_path):
        with pytest.raises(StackError, match=str(path)) as caught:
            read.contents(path)
        assert caught.value.exit_code == 2
    large = tmp_path / "large"
    large.write_bytes(bytes((1 << 20) + 1))
    with pytest.raises(StackError, match="larger than 1 MiB"):
        read.contents(large)


def test_this_host_trusts_somebody() -> None:
    roots = chain.system_roots()
    assert all(root.subject for root in roots)
