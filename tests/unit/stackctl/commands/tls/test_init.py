"""`stackctl tls init`, `show` and `renew` of a local CA."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from stackctl.commands.gateway import apply
from stackctl.commands.tls import installing, renew
from stackctl.model import StackError
from stackctl.model.certificate import Certificate, Order, Origin
from stackctl.system.certificates import authority, names
from stackctl.system.certificates.store import Store
from tests.unit.stackctl.commands.tls.conftest import BOX, Stackctl
from tests.unit.stackctl.system.certificates.odd import LEAF

_DAY = 86400


def current(store: Store) -> tuple[Certificate, Order]:
    found = store.current()
    assert found is not None
    return found


def test_init_makes_what_openssl_believes(
    stackctl: Stackctl, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stackctl("init") == 0
    argv = ["openssl", "verify", "-x509_strict", "-CAfile", str(store.ca), str(store.server)]
    subprocess.run(argv, check=True, capture_output=True, timeout=30)
    certificate, order = current(store)
    assert set(certificate.names) == set(BOX)
    assert order.origin is Origin.LOCAL
    text = capsys.readouterr().out
    assert str(store.ca) in text
    assert "stackctl up gateway" in text
    for word in ("NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "certutil", "update-ca", "iOS", "Android"):
        assert word in text
    assert text.isascii()
    assert "PRIVATE" not in text


def test_a_second_time_the_ca_stays(stackctl: Stackctl, store: Store) -> None:
    stackctl("init")
    ca, first = store.ca.read_bytes(), current(store)[0]
    stackctl("init", "--days", "30")
    assert store.ca.read_bytes() == ca
    second, order = current(store)
    assert second.fingerprint != first.fingerprint
    assert round((second.not_after - second.not_before) / _DAY) == order.days == 30


def test_dry_run_changes_nothing(
    stackctl: Stackctl, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stackctl("init", "--dry-run", "--name", "box.lan") == 0
    assert not store.state.exists()
    assert "box.lan" in capsys.readouterr().out


def test_names_as_they_were_typed(stackctl: Stackctl, store: Store) -> None:
    stackctl("init", "--name", "Bücher.lan", "10.0.0.5", "--name", "10.0.0.5")
    certificate, order = current(store)
    assert set(certificate.names) == {"xn--bcher-kva.lan", "10.0.0.5"} == set(order.names)


def test_a_public_name_later_needs_another_ca(stackctl: Stackctl, store: Store) -> None:
    stackctl("init")
    ca, before = store.ca.read_bytes(), store.server_pem()
    with pytest.raises(StackError, match=r"not for ai\.example\.org"):
        stackctl("init", "--name", "ai.example.org")
    assert store.ca.read_bytes() == ca
    assert store.server_pem() == before
    stackctl("init", "--name", "ai.example.org", "--force")
    assert store.ca.read_bytes() != ca
    stackctl("init")  # what the box is called is permitted as well
    assert set(current(store)[0].names) == set(BOX)


def test_a_new_public_address_of_the_box_is_left_out(
    stackctl: Stackctl,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stackctl("init")
    ca = store.ca.read_bytes()
    monkeypatch.setattr(names, "of_this_box", lambda: (*BOX, "203.0.113.7", "192.168.1.77"))
    for force in ((), ("--force",)):
        stackctl("init", *force)
        assert store.ca.read_bytes() == ca
        certificate, order = current(store)
        assert "192.168.1.77" in certificate.names
        assert "203.0.113.7" not in certificate.names
        assert order.left_out == ("203.0.113.7",)
    assert "left out     203.0.113.7" in capsys.readouterr().out


def test_a_damaged_ca_is_replaced_only_when_asked(stackctl: Stackctl, store: Store) -> None:
    stackctl("init")
    store.ca_key.write_text("what")
    with pytest.raises(StackError, match="damaged") as caught:
        stackctl("init")
    assert "--force" in caught.value.fix
    stackctl("init", "--force")
    assert authority.load(store) is not None


def test_an_own_certificate_is_not_replaced_in_passing(stackctl: Stackctl, store: Store) -> None:
    store.save_server(LEAF.pem + LEAF.key_bytes())
    with pytest.raises(StackError, match=r"valid, your own: ai\.example\.org"):
        stackctl("init")
    assert not store.ca.exists()
    stackctl("init", "--force")
    assert current(store)[1].origin is Origin.LOCAL


def test_what_the_gateway_refuses_is_taken_back(
    stackctl: Stackctl, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stackctl("init")
    before = store.server_pem(), store.order.read_bytes()

    def refuse(*_: object) -> str:
        raise StackError("HAProxy refuses the configuration")

    monkeypatch.setattr(installing, "_reload", refuse)
    with pytest.raises(StackError, match="HAProxy refuses"):
        stackctl("init")
    assert (store.server_pem(), store.order.read_bytes()) == before


def test_without_docker_the_files_are_made_all_the_same(
    stackctl: Stackctl,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def gone(*_: object) -> None:
        raise StackError("the Docker daemon is not running", fix="make setup")

    monkeypatch.setattr(apply, "found", gone)
    assert stackctl("init") == 0
    assert "when it starts" in capsys.readouterr().out
    assert stackctl("show") == 0
    assert "unknown: the Docker daemon is not running" in capsys.readouterr().out


@pytest.mark.parametrize("days", ["0", "398", "-1", "x", "1.5"])
def test_days_that_clients_do_not_accept(stackctl: Stackctl, days: str) -> None:
    with pytest.raises(SystemExit) as caught:
        stackctl("init", "--days", days)
    assert caught.value.code == 2


def test_show(stackctl: Stackctl, store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(StackError, match="no certificate yet"):
        stackctl("show")
    assert stackctl("show", "--json") == 1
    assert json.loads(capsys.readouterr().out)["certificate"] is None
    stackctl("init")
    capsys.readouterr()
    assert stackctl("show", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["certificate"]["names"]) == set(BOX)
    assert told["ca"]["file"] == str(store.ca)
    assert told["order"]["origin"] == "local-ca"
    assert (told["served"], told["renewal_due"], told["expired"]) == (None, False, False)
    assert stackctl("show") == 0
    assert "the gateway does not run" in capsys.readouterr().out


def aged(store: Store, days_left: float, **changes: object) -> None:
    """As if the certificate had so many days left of 90."""
    certificate, order = current(store)
    ends = time.time() + days_left * _DAY
    old = replace(certificate, not_before=ends - 90 * _DAY, not_after=ends)
    store.save(store.server_pem() or b"", old, replace(order, **changes))  # type: ignore[arg-type]


def test_renew_when_a_third_is_left(
    stackctl: Stackctl, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(StackError, match="no certificate yet"):
        stackctl("renew")
    stackctl("init", "--name", "box.lan", "--days", "90")
    ca, before = store.ca.read_bytes(), store.server_pem()
    aged(store, 31)
    stackctl("renew")
    assert "nothing to do" in capsys.readouterr().out
    renew.renew_if_due()
    assert store.server_pem() == before
    aged(store, 29)
    stackctl("renew", "--dry-run")
    assert "would renew box.lan: 29 days are left" in capsys.readouterr().out
    assert store.server_pem() == before
    renew.renew_if_due()
    assert store.server_pem() != before
    assert store.ca.read_bytes() == ca
    certificate, order = current(store)
    assert certificate.names == ("box.lan",) == order.names
    assert not certificate.due(time.time())
    before = store.server_pem()
    stackctl("renew", "--force")
    assert store.server_pem() != before


def test_a_renewal_that_fails_is_kept_and_pauses(stackctl: Stackctl, store: Store) -> None:
    stackctl("init")
    aged(store, 10)
    before = store.server_pem()
    ca, key = store.ca.read_bytes(), store.ca_key.read_bytes()
    store.ca.unlink()
    store.ca_key.unlink()
    with pytest.raises(StackError, match="the local CA is gone"):
        stackctl("renew")
    assert not store.ca.exists()  # a new one would be trusted by nobody
    renew.renew_if_due()
    order = current(store)[1]
    assert "the local CA is gone" in order.failure
    assert order.failed_at == pytest.approx(time.time(), abs=60)
    store.ca.write_bytes(ca)
    store.ca_key.write_bytes(key)
    renew.renew_if_due()  # not again within six hours
    assert store.server_pem() == before
    aged(store, 10, failed_at=time.time() - 7 * 3600)
    renew.renew_if_due()
    assert store.server_pem() != before
    assert current(store)[1].failure == ""


def test_a_bug_does_not_stop_the_timer(
    stackctl: Stackctl, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    stackctl("init")
    aged(store, 10)
    monkeypatch.setattr(renew, "_again", lambda *_: 1 / 0)
    renew.renew_if_due()
    assert "ZeroDivisionError" in current(store)[1].failure


def test_an_own_one_is_not_renewed(stackctl: Stackctl, store: Store) -> None:
    store.save_server(LEAF.pem + LEAF.key_bytes())
    with pytest.raises(StackError, match="only you can get the next one"):
        stackctl("renew", "--force")
    aged(store, 1)
    renew.renew_if_due()
    assert store.server_pem() == LEAF.pem + LEAF.key_bytes()


def test_a_timer_is_not_stopped_by_what_it_cannot_read(store: Store, tmp_path: Path) -> None:
    store.server.mkdir(parents=True)
    renew.renew_if_due()
    (tmp_path / "compose" / "compose.yaml").unlink()
    renew.renew_if_due()
