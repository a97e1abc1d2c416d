"""The certificate of the gateway: what it says, where it came from, how it is doing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    LOCAL = "local-ca"  # of the CA that `stackctl tls init` made
    OWN = "own"  # brought by the owner
    ACME = "acme"  # of Let's Encrypt, or another one that speaks ACME


@dataclass(frozen=True, slots=True)
class Certificate:
    """What an X.509 certificate says. Times are seconds since the epoch."""

    names: tuple[str, ...]  # DNS names and addresses, as clients may type them
    subject: str
    issuer: str
    not_before: float
    not_after: float
    fingerprint: str  # sha256 of the DER, hexadecimal

    def left(self, now: float) -> float:
        """Seconds until it ends; below 0 after that."""
        return self.not_after - now

    def due(self, now: float) -> bool:
        """Whether less than a third of its life is left: time for the next one."""
        return self.left(now) < (self.not_after - self.not_before) / 3


@dataclass(frozen=True, slots=True)
class Order:
    """How the certificate in use came about, so that the next one is made in the same way."""

    origin: Origin
    names: tuple[str, ...] = ()  # as asked for; none: those of the box, as they are at that time
    days: int = 0
    directory: str = ""  # of the ACME server
    email: str = ""
    left_out: tuple[str, ...] = ()  # addresses of the box that the local CA may not sign
    ca_ends: float = 0.0  # of the local CA, seconds since the epoch
    failed_at: float = 0.0  # when the last renewal failed, seconds since the epoch
    failure: str = ""  # and why


@dataclass(frozen=True, slots=True)
class TlsState:
    """What `gateway.tls` judges: looked at `at`, in seconds since the epoch."""

    at: float
    certificate: Certificate
    order: Order
    missing: tuple[str, ...] = ()  # addresses the gateway is published on, and not in `names`
