"""The figures of a run for Prometheus: a file for the textfile collector of node_exporter."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from stackctl.model import MIB, Finding, Severity
from stackctl.model.incident import Figure
from stackctl.system import durable

_PROBLEMS = (Severity.WARNING, Severity.ERROR)


def write(
    path: Path,
    figures: Iterable[Figure],
    findings: Iterable[Finding],
    now: float,
    open_incidents: int | None,
) -> None:
    """Write the file whole or not at all. Raises StackError."""
    from prometheus_client import (
        CollectorRegistry,
        Counter,
        Gauge,
        disable_created_metrics,
        write_to_textfile,
    )

    # when a counter began would be when this file was written
    disable_created_metrics()  # type: ignore[no-untyped-call]
    registry = CollectorRegistry()
    made: dict[str, Counter | Gauge] = {}
    for figure in figures:
        # Prometheus counts in base units
        name = figure.name.replace("_mib", "_bytes")
        label = name.partition("_")[0]
        if name not in made:
            text = f"{name.replace('_', ' ')}, as `stackctl verify` saw it"
            kind = Counter if name.endswith("_total") else Gauge
            made[name] = kind(f"stackctl_{name}", text, [label], registry=registry)
        scale = MIB if name != figure.name else 1
        child = made[name].labels(figure.of)
        # a new Counter's value is what it is increased by
        put = child.set if isinstance(child, Gauge) else child.inc
        put(figure.value * scale)
    words = ["check", "subject", "severity"]
    problems = Gauge("stackctl_problem", "A finding that is not fine", words, registry=registry)
    for finding in findings:
        if finding.severity in _PROBLEMS:
            problems.labels(finding.check, finding.subject, finding.severity.value).set(1)
    if open_incidents is not None:
        count = Gauge("stackctl_open_incidents", "Incidents that are open", registry=registry)
        count.set(open_incidents)
    last = Gauge("stackctl_last_run_timestamp_seconds", "The last run", registry=registry)
    last.set(now)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_to_textfile(str(path), registry)
    except OSError as error:
        raise durable.fault(error, path) from None
