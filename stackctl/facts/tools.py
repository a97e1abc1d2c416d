"""Whose tool calls are to be made by another service, which is not there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from stackctl.model import EMULATION, Observed, Service


def toolless(observed: Sequence[Observed]) -> tuple[str, ...]:
    """Names of containers; the emulation has to be one of the same project."""
    served = {o.container.project for o in observed if o.service.engine == EMULATION}
    return tuple(
        o.container.name
        for o in observed
        if o.service.emulated and o.container.project not in served
    )


def without(planned: Sequence[Service], there: Iterable[Service]) -> tuple[str, ...]:
    """Names of planned services; `there`: those of the same project that have a container."""
    if any(service.engine == EMULATION for service in (*planned, *there)):
        return ()
    return tuple(service.name for service in planned if service.emulated)
