"""What a run of `verify` leaves for the memory of the box: its figures, and what it was made of."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator, Sequence

from stackctl.model import Daemon, Driver, Facts, Finding, Severity
from stackctl.model.incident import Figure
from stackctl.system import versions
from stackctl.watch import drift


def figures(facts: Facts, findings: Sequence[Finding]) -> tuple[Figure, ...]:
    """GPUs by their number, services by the name that their findings have."""
    failed = {f.subject for f in findings if f.severity is Severity.ERROR}
    return (*_gpus(facts), *_services(facts, failed))


def box(facts: Facts, digests: Callable[[str], Iterable[str]]) -> dict[str, str]:
    """Name -> version; "" where it could not be had this time. `digests`: under which names
    registries have an image, by its id."""
    driver, daemon = facts.driver, facts.daemon
    parts = {
        "kernel": platform.release(),
        "driver": driver.version if isinstance(driver, Driver) else "",
        "CUDA of the driver": driver.cuda if isinstance(driver, Driver) else "",
        "container toolkit": versions.toolkit(),
        "CDI files": versions.cdi(),
        "Docker": daemon.version if isinstance(daemon, Daemon) else "",
    }
    if isinstance(driver, Driver):
        parts["GPUs"] = ", ".join(sorted(g.uuid for g in driver.gpus if g.uuid))
    ids = {o.container.image_id for o in facts.observed if o.container.image_id}
    known = {image_id: tuple(digests(image_id)) for image_id in ids}
    for o in facts.observed:
        image_id = o.container.image_id
        text = drift.image(o.service.image, image_id, known.get(image_id, ()))
        parts[drift.IMAGE + o.service.name] = text
        # an engine that is down does not tell its version
        parts[f"engine of {o.service.name}"] = o.version and f"{o.service.engine} {o.version}"
    return parts


def _gpus(facts: Facts) -> Iterator[Figure]:
    if not isinstance(facts.driver, Driver):
        return
    for gpu in facts.driver.gpus:
        name = str(gpu.index)
        yield Figure("gpu_up", name, float(gpu.fault is None))
        if gpu.fault is None:
            yield Figure("gpu_memory_used_mib", name, gpu.used_mib)
            yield Figure("gpu_memory_total_mib", name, gpu.total_mib)
            yield Figure("gpu_temperature_celsius", name, gpu.temperature)
            yield Figure("gpu_power_watts", name, gpu.power_watts)
            yield Figure("gpu_utilization_percent", name, gpu.utilization)


def _services(facts: Facts, failed: set[str]) -> Iterator[Figure]:
    held: dict[str, int] = {}
    if isinstance(facts.driver, Driver):
        for process in (p for gpu in facts.driver.gpus for p in gpu.processes):
            held[process.container_id] = held.get(process.container_id, 0) + process.used_mib
    for o in facts.observed:
        name = o.service.name
        yield Figure("service_up", name, float(name not in failed and o.container.running))
        yield Figure("service_restarts", name, o.container.restarts)
        yield Figure("service_gpu_memory_mib", name, held.get(o.container.id, 0))
