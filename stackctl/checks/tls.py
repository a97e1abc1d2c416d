"""The certificate of the gateway: that clients will take it, today and for some time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stackctl.model import Check, Facts, Finding, Phase, Severity, Unavailable
from stackctl.model.certificate import Origin

ID = "gateway.tls"
_SUBJECT = "certificate"
_DAY = 86400.0
#: seconds before the end; whoever gets it by hand needs time for that
_SOON = 21 * _DAY
_CA_SOON = 180 * _DAY
_NEXT = {
    Origin.LOCAL: "stackctl tls renew; watch does it by itself: make watch-install",
    Origin.ACME: "stackctl tls renew; watch does it by itself: make watch-install",
    Origin.OWN: "get the next one, then: stackctl tls use CERT KEY",
}


def certificate(facts: Facts) -> Iterable[Finding]:
    state = facts.tls
    if state is None or isinstance(state, Unavailable):
        return
    found, order = state.certificate, state.order
    left = found.left(state.at)
    values = {"names": list(found.names), "left_seconds": left, "origin": order.origin.value}
    failure = f"the last renewal failed: {order.failure}" if order.failure else ""
    if left <= 0:
        yield _finding(
            Severity.ERROR,
            f"expired {-left / _DAY:.0f} days ago: clients refuse the gateway",
            evidence=failure,
            fix=_NEXT[order.origin],
            values=values,
        )
        return
    if left < min(_SOON, (found.not_after - found.not_before) / 4):
        yield _finding(
            Severity.WARNING,
            f"expires in {left / _DAY:.0f} days",
            evidence=failure,
            fix=_NEXT[order.origin],
            values=values,
        )
    elif failure:
        yield _finding(
            Severity.WARNING,
            f"could not be renewed; {left / _DAY:.0f} days are left",
            evidence=failure,
            fix="stackctl tls renew",
            values=values,
        )
    elif state.missing:
        yield _finding(
            Severity.WARNING,
            f"is not for {', '.join(state.missing)}, which the gateway listens on",
            cause="the box has got another address since the certificate was made",
            fix="stackctl tls init; clients that trust the CA notice nothing",
            values=values,
        )
    elif order.ca_ends and order.ca_ends - state.at < _CA_SOON:
        yield _finding(
            Severity.WARNING,
            f"the local CA ends in {(order.ca_ends - state.at) / _DAY:.0f} days",
            fix="stackctl tls init --force makes a new one once it has ended; every client must "
            "then trust it",
            values=values,
        )
    else:
        yield _finding(
            Severity.OK, f"for {found.names[0]}, {left / _DAY:.0f} days left", values=values
        )


def _finding(
    severity: Severity,
    summary: str,
    *,
    evidence: str = "",
    cause: str = "",
    fix: str = "",
    values: dict[str, Any] | None = None,
) -> Finding:
    return Finding(ID, severity, _SUBJECT, summary, evidence, cause, fix, values or {})


CHECKS = (
    Check(
        ID, "The gateway's certificate is taken by clients", Phase.RUNNING, certificate, ("tls",)
    ),
)
