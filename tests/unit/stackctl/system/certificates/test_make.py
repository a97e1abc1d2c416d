"""The local CA: what it signs, and what its constraints keep it from."""

from __future__ import annotations

import datetime
import ipaddress
import subprocess
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from stackctl.model import StackError
from stackctl.system.certificates import make, read

NOW = datetime.datetime.now(datetime.UTC)
BOX = ("box", "box.local", "localhost", "127.0.0.1", "::1", "192.168.1.10", "ai.example.org")


@pytest.fixture(scope="module")
def ca() -> make.Pair:
    return make.authority("box.example.org", [*BOX, "203.0.113.7", "2001:db8:1:2::5"], NOW)


def openssl(*words: str | Path) -> subprocess.CompletedProcess[str]:
    argv = ["openssl", *map(str, words)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)


def verified(folder: Path, ca: make.Pair, leaf: bytes, *words: str) -> bool:
    """What OpenSSL, as strict as it gets, says of a server's certificate."""
    (folder / "ca.pem").write_bytes(ca.pem)
    (folder / "leaf.pem").write_bytes(leaf)
    strict = ("-x509_strict", "-purpose", "sslserver", *words)
    done = openssl("verify", "-CAfile", folder / "ca.pem", *strict, folder / "leaf.pem")
    return done.returncode == 0


def test_openssl_takes_every_name(tmp_path: Path, ca: make.Pair) -> None:
    leaf = make.server(ca, BOX, 397, NOW)
    for name in BOX:
        kind = "-verify_ip" if name[0] in ":1" else "-verify_hostname"
        assert verified(tmp_path, ca, leaf.pem, kind, name), name
    assert not verified(tmp_path, ca, leaf.pem, "-verify_hostname", "other.local")


def test_its_life(ca: make.Pair) -> None:
    leaf = make.server(ca, BOX, 397, NOW).certificate
    life = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    assert life == datetime.timedelta(days=397)
    assert leaf.not_valid_before_utc < NOW  # for clocks that are slow
    mine = ca.certificate
    assert (mine.not_valid_after_utc - NOW).days in (3652, 3653)


def test_a_certificate_ends_with_its_ca(ca: make.Pair) -> None:
    late = ca.certificate.not_valid_after_utc - datetime.timedelta(days=10)
    leaf = make.server(ca, BOX, 397, late).certificate
    assert leaf.not_valid_after_utc == ca.certificate.not_valid_after_utc
    with pytest.raises(StackError, match="the local CA ended"):
        make.server(ca, BOX, 397, late + datetime.timedelta(days=11))


def test_a_stolen_ca_is_no_good_for_other_sites(tmp_path: Path, ca: make.Pair) -> None:
    """OpenSSL refuses what the key could sign, were it not for our own refusal."""
    for name in ("bank.example.com", "example.org", "198.51.100.1", "2001:db8:9::1"):
        assert make.refused(ca.certificate, [name]) == (name,)
        with pytest.raises(StackError, match="not for") as caught:
            make.server(ca, [name], 397, NOW)
        assert "--force" in caught.value.fix
        loose = make.Pair(_without_constraints(ca), ca.key)
        forged = make.server(loose, [name], 397, NOW)
        assert not verified(tmp_path, ca, forged.pem), name


def _without_constraints(ca: make.Pair) -> x509.Certificate:
    """The same CA as a thief's tool would have it."""
    builder = x509.CertificateBuilder(
        ca.certificate.issuer,
        ca.certificate.subject,
        ca.key.public_key(),
        ca.certificate.serial_number,
        ca.certificate.not_valid_before_utc,
        ca.certificate.not_valid_after_utc,
    )
    for extension in ca.certificate.extensions:
        if not isinstance(extension.value, x509.NameConstraints):
            builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(ca.key, hashes.SHA256())


def test_constraints_leave_room_for_another_lease(ca: make.Pair) -> None:
    same_subnet = "2001:db8:1:2::77"
    for name in ("10.1.2.3", "172.16.0.9", "192.168.77.1", "fd12::1", "100.64.0.1", same_subnet):
        assert make.refused(ca.certificate, [name]) == ()
    assert make.refused(ca.certificate, ["newname.lan", "printer.local", "box"]) == ()
    assert make.refused(ca.certificate, ["203.0.113.8", "otherbox"]) == ("203.0.113.8", "otherbox")


def test_constraints_say_each_thing_once(ca: make.Pair) -> None:
    value = ca.certificate.extensions.get_extension_for_class(x509.NameConstraints)
    assert value.critical
    trees = [tree.value for tree in value.value.permitted_subtrees or ()]
    assert len(trees) == len(set(trees))
    assert "box.local" not in trees  # .local has it
    assert ipaddress.ip_network("203.0.113.7/32") in trees
    assert ipaddress.ip_network("2001:db8:1:2::/64") in trees
    assert ipaddress.ip_network("::/64") not in trees


def test_a_ca_without_constraints_permits_everything(ca: make.Pair) -> None:
    assert make.refused(_without_constraints(ca), ["bank.example.com"]) == ()


def test_two_cas_of_a_box_have_two_names() -> None:
    one, two = (make.authority("box", BOX, NOW).certificate.subject for _ in range(2))
    assert one != two
    make.authority("x" * 80, BOX, NOW)  # a common name has 64 characters at most


def test_keys_do_not_show(ca: make.Pair) -> None:
    assert "key" not in repr(ca).lower()
    assert make.load_key(ca.key_pem).private_numbers() == ca.key.private_numbers()
    with pytest.raises(ValueError, match=r".+"):
        make.load_key(b"no key")


def test_a_request_names_what_is_wanted() -> None:
    key, csr = make.request("ai.example.org")
    found = x509.load_pem_x509_csr(csr)
    assert found.is_signature_valid
    san = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert san.get_values_for_type(x509.DNSName) == ["ai.example.org"]
    assert found.public_key() == make.load_key(key).public_key()


def test_describe(ca: make.Pair) -> None:
    leaf = make.server(ca, BOX, 397, NOW)
    told = read.describe(leaf.certificate)
    assert set(told.names) == set(BOX)
    assert told.issuer == f"CN={read.describe(ca.certificate).subject}"
    day = 86400
    assert not told.due(NOW.timestamp() + 200 * day)
    assert told.due(NOW.timestamp() + 270 * day)
    assert told.left(told.not_after + 5) == -5
