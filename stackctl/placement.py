"""GPUs and what services ask for -> who gets which GPU, and which hardware profile fits. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from stackctl.model import (
    CDI_KIND,
    Driver,
    Gpu,
    GpuRequest,
    Hardware,
    Placement,
    Service,
    StackError,
)

SIMULATION = "sim"


def assign(
    services: Sequence[Service], gpus: Sequence[Gpu], cdi_devices: Sequence[str]
) -> Placement:
    """Device requests by UUID for every service that wants GPUs.

    A UUID stays with its card; an index moves when a card fails at boot. CDI where the daemon
    knows the card by it: such a container keeps its GPU over `systemctl daemon-reload`.
    """
    requests: dict[str, GpuRequest] = {}
    assigned: dict[str, tuple[Gpu, ...]] = {}
    for service in services:
        if not service.gpus.wanted:
            continue
        mine, unknown = service.gpus.resolve(gpus)
        if unknown:
            raise StackError(
                f"{service.name}: there is no GPU {', '.join(unknown)} on this host",
                fix=f"correct device_ids of {service.name} in compose/roles or its env knob",
            )
        assigned[service.name] = mine
        requests[service.name] = request(mine, cdi_devices)
    return Placement(requests, assigned)


def request(gpus: Sequence[Gpu], cdi_devices: Sequence[str]) -> GpuRequest:
    """The device request for these GPUs, by CDI where the daemon knows all of them."""
    for name in (lambda gpu: gpu.uuid, lambda gpu: str(gpu.index)):
        ids = tuple(CDI_KIND + name(gpu) for gpu in gpus)
        if all(i in cdi_devices for i in ids):
            return GpuRequest("cdi", ids)
    return GpuRequest("nvidia", tuple(gpu.uuid for gpu in gpus))


def spare(service: Service, gpus: Sequence[Gpu], *, whole: bool) -> tuple[Gpu, ...]:
    """GPUs with room for one more container of a service beside those it has; none if there are
    too few. `whole`: it takes all of a GPU, so it needs some that nobody uses."""
    mine, _ = service.gpus.resolve(gpus)
    need = (service.vram_mib or 0) / max(1, len(mine))
    free = [
        gpu
        for gpu in gpus
        if gpu not in mine
        and gpu.fault is None
        and gpu.total_mib - gpu.used_mib >= need
        and not (whole and gpu.processes)
    ]
    free.sort(key=lambda gpu: gpu.used_mib)
    return tuple(free[: len(mine)]) if mine and len(free) >= len(mine) else ()


def choose_profile(profiles: Sequence[Hardware], driver: Driver) -> str:
    """The hardware profile for real GPUs; StackError with the closest one where none fits."""
    gpus = driver.gpus
    real = [p for p in profiles if p.profile != SIMULATION and p.gpu_count]
    for profile in real:
        if len(gpus) == profile.gpu_count and all(g.name == profile.gpu_name for g in gpus):
            return profile.profile
    have = f"{len(gpus)}x {gpus[0].name or 'unknown GPU'}" if gpus else "no GPU that answers"
    if not real:
        raise StackError(f"no hardware profile in env/hardware for {have}", fix="write one")
    closest = min(real, key=lambda profile: _distance(profile, gpus))
    raise StackError(
        f"no hardware profile for {have}; the closest is {closest.profile} "
        f"({closest.gpu_count}x {closest.gpu_name})",
        fix=f"cp env/hardware/{closest.profile}.env env/hardware/mine.env, change it to your "
        "GPUs, and put STACKCTL_PROFILE=mine in env/stack.env",
    )


def _distance(profile: Hardware, gpus: Sequence[Gpu]) -> tuple[int, int]:
    """First the number of GPUs, then their memory."""
    memory = min((gpu.total_mib for gpu in gpus), default=0)
    return abs(profile.gpu_count - len(gpus)), abs(profile.gpu_mib - memory)
