"""`stackctl status`: a picture of the box."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

from stackctl import report, settings
from stackctl.model import Container, Driver, Gpu, Service, StackError, Unavailable
from stackctl.system import nvml, terminal
from stackctl.system.docker import Docker
from stackctl.watch import breaker

_GPU_HEADER = ("GPU", "NAME", "VRAM", "", "UTIL", "TEMP", "POWER", "HELD BY")
_HEADER = ("ROLE", "ENGINE", "MODEL", "CONTEXT", "GPU", "STATE", "UP", "RESTARTS", "URL")
Pairs = tuple[tuple[Service, Container], ...]


def status(*, project: str | None, as_json: bool) -> int:
    """Each GPU with who holds it, each service with its state. 1 if Docker does not answer."""
    docker = Docker()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(nvml.read)
        failure: StackError | None = None
        pairs: Pairs = ()
        try:
            pairs = docker.services(settings.chosen_project(project))
        except StackError as error:
            failure = error
        driver = asked.result()
    off = _healing_off()
    if as_json:
        terminal.out(_json(driver, pairs, failure, off))
    else:
        terminal.out(_text(driver, None if failure else pairs, off))
        if failure:
            raise failure
    return 1 if failure else 0


def _healing_off() -> dict[str, float]:
    """Services that the healer has given up, since when."""
    folder = settings.find_root() / ".stackctl"
    if not (folder / "history.db").exists():
        return {}
    # here, as it is half of what this command would have to import
    from stackctl.commands import healing

    return healing.off(folder)


def _text(
    driver: Driver | Unavailable, pairs: Pairs | None, off: Mapping[str, float] | None = None
) -> str:
    """`pairs` is None when Docker does not answer; `off` as `_healing_off` tells."""
    names = {container.id: service.name for service, container in pairs or ()}
    parts = []
    if isinstance(driver, Unavailable):
        parts.append(f"no GPU to show: {driver.reason} (`stackctl verify` says more)")
    else:
        if driver.simulated:
            parts.append(report.SIMULATION)
        parts.append(report.table(_GPU_HEADER, [_gpu_row(gpu, names) for gpu in driver.gpus]))
    if pairs:
        gpus = driver.gpus if isinstance(driver, Driver) else ()
        parts.append(report.table(_HEADER, [_service_row(s, c, gpus) for s, c in pairs]))
    elif pairs is not None:
        parts.append("no service: `make up` brings the stack up")
    if off:
        words = (report.healing_off(name, at, breaker.again(name)) for name, at in off.items())
        parts.append("\n".join(words))
    return "\n\n".join(parts)


def _gpu_row(gpu: Gpu, names: dict[str, str]) -> tuple[str, ...]:
    if gpu.fault:
        return (str(gpu.index), gpu.fault.reason, "", "", "", "", "", "")
    held: dict[str, int] = {}
    for process in gpu.processes:
        who = names.get(process.container_id) or (
            f"container {process.container_id[:12]}"
            if process.container_id
            else f"pid {process.pid}"
        )
        held[who] = held.get(who, 0) + process.used_mib
    return (
        str(gpu.index),
        gpu.name,
        report.bar(gpu.used_mib, gpu.total_mib),
        f"{gpu.used_mib / 1024:.1f} / {gpu.total_mib / 1024:.1f} GiB",
        f"{gpu.utilization} %",
        f"{gpu.temperature} C",
        f"{gpu.power_watts:.0f} W",
        ", ".join(f"{who} ({mib} MiB)" for who, mib in held.items()) or "-",
    )


def _service_row(service: Service, c: Container, gpus: tuple[Gpu, ...]) -> tuple[str, ...]:
    mine, unknown = service.gpus.resolve(gpus)
    up = report.duration(max(0.0, time.time() - c.since)) if c.running else "-"
    return (
        service.role,
        service.engine,
        service.model or "-",
        str(service.context or "-"),
        ",".join([str(gpu.index) for gpu in mine] + ["?" for _ in unknown]) or "-",
        c.health or c.state if c.running else c.state,
        up,
        str(c.restarts),
        c.url if c.running else "-",
    )


def _json(
    driver: Driver | Unavailable,
    pairs: Pairs,
    failure: StackError | None,
    off: Mapping[str, float] | None = None,
) -> str:
    return json.dumps(
        {
            "driver": asdict(driver),
            "simulated": isinstance(driver, Driver) and driver.simulated,
            "services": [{**asdict(s), "container": asdict(c)} for s, c in pairs],
            "healing_off": dict(off or {}),
            "error": failure.message if failure else None,
        },
        indent=2,
    )
