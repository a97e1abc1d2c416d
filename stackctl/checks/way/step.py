"""One judgement on the way from a client to the gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from stackctl.model import Finding
from stackctl.model.network import Network


@dataclass(frozen=True, slots=True)
class Step:
    """One judgement on the way. `hop` is where it belongs; an error of one that is `watched` is
    told by `stackctl verify` as well. `needs` names fields of Network that it cannot do without."""

    id: str
    title: str
    hop: str
    examine: Callable[[Network], Iterable[Finding]]
    needs: tuple[str, ...] = ()
    watched: bool = False
