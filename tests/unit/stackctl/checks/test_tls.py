"""gateway.tls: what is said of a certificate, and when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stackctl.checks import run
from stackctl.checks.tls import CHECKS, ID
from stackctl.model import Finding, Phase, Severity, Unavailable
from stackctl.model.certificate import Certificate, Order, Origin, TlsState
from tests.unit.stackctl.box import HEALTHY

DAY = 86400.0
NOW = 1_800_000_000.0


def found(left: float, life: float = 397, **order: Any) -> Finding:
    """What is said with so many days left of so many."""
    ends = NOW + left * DAY
    certificate = Certificate(("box", "10.0.0.1"), "x", "CN=ca", ends - life * DAY, ends, "00")
    missing = order.pop("missing", ())
    wanted = Order(**{"origin": Origin.LOCAL, **order})
    facts = replace(HEALTHY, tls=TlsState(NOW, certificate, wanted, missing))
    (finding,) = run(CHECKS, facts, Phase.RUNNING)
    assert finding.check == ID
    return finding


@pytest.mark.parametrize(
    ("left", "life", "severity", "words"),
    [
        (390, 397, Severity.OK, "for box, 390 days left"),
        (22, 397, Severity.OK, "22 days left"),
        (20, 397, Severity.WARNING, "expires in 20 days"),
        (23, 90, Severity.OK, "23 days"),
        (20.9, 90, Severity.WARNING, "expires in 21 days"),
        # of a life of six days
        (2, 6, Severity.OK, "2 days"),
        (1, 6, Severity.WARNING, "expires in 1 days"),
        (-3, 397, Severity.ERROR, "expired 3 days ago"),
    ],
)
def test_time(left: float, life: float, severity: Severity, words: str) -> None:
    finding = found(left, life)
    assert finding.severity is severity
    assert words in finding.summary
    assert finding.values["left_seconds"] == pytest.approx(left * DAY)


@pytest.mark.parametrize(
    ("origin", "fix"),
    [
        (Origin.LOCAL, "stackctl tls renew"),
        (Origin.ACME, "stackctl tls renew"),
        (Origin.OWN, "stackctl tls use CERT KEY"),
    ],
)
def test_the_fix_is_how_it_came(origin: Origin, fix: str) -> None:
    assert fix in found(3, origin=origin).fix
    assert fix in found(-3, origin=origin).fix


def test_a_renewal_that_failed() -> None:
    order = {"origin": Origin.ACME, "failed_at": NOW, "failure": "port 80 is closed"}
    early = found(25, 90, **order)
    assert early.severity is Severity.WARNING
    assert "could not be renewed; 25 days are left" in early.summary
    for finding in (early, found(3, 90, **order), found(-1, 90, **order)):
        assert "port 80 is closed" in finding.evidence


def test_another_address() -> None:
    finding = found(300, missing=("192.168.1.7",))
    assert finding.severity is Severity.WARNING
    assert "192.168.1.7" in finding.summary
    assert "stackctl tls init" in finding.fix


def test_the_end_of_the_ca() -> None:
    finding = found(100, ca_ends=NOW + 150 * DAY)
    assert finding.severity is Severity.WARNING
    assert "the local CA ends in 150 days" in finding.summary
    assert found(100, ca_ends=NOW + 200 * DAY).severity is Severity.OK


def test_no_certificate_is_not_our_business_and_an_unreadable_one_is_skipped() -> None:
    assert run(CHECKS, replace(HEALTHY, tls=None), Phase.RUNNING) == ()
    facts = replace(HEALTHY, tls=Unavailable("no permission"))
    (finding,) = run(CHECKS, facts, Phase.RUNNING)
    assert finding.severity is Severity.SKIPPED
