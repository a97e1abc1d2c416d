"""Services that are ready, and that the gateway leaves out."""

from __future__ import annotations

from dataclasses import replace

from stackctl.checks.gateway import ID
from stackctl.model import Severity, Unavailable
from tests.unit.stackctl.box import HEALTHY, findings


def test_all_are_reached() -> None:
    assert findings(ID, HEALTHY) == ()


def test_one_is_left_out() -> None:
    container = HEALTHY.observed[1].container.name
    (found,) = findings(ID, replace(HEALTHY, unreached=(container,)))
    assert (found.check, found.severity) == ("gateway.reaches", Severity.ERROR)
    assert found.subject == HEALTHY.observed[1].service.name
    assert f"stackctl up {found.subject}" in found.fix


def test_a_gateway_that_cannot_be_asked() -> None:
    (found,) = findings(ID, replace(HEALTHY, unreached=Unavailable("no permission")))
    assert found.severity is Severity.SKIPPED
