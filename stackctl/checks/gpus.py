"""GPUs against services: do they exist, are they seen inside, is there room."""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.catalogue import INSIDE, filled, first
from stackctl.model import (
    Check,
    Cuda,
    Daemon,
    Driver,
    Facts,
    Finding,
    Gpu,
    GpuProcess,
    Observed,
    Phase,
    Service,
    Severity,
    Unavailable,
)

#: what a driver keeps for itself, and a desktop may take, without anybody missing it
FOREIGN_MIB = 1024


def gpus_of(service: Service, facts: Facts) -> tuple[Gpu, ...]:
    """The GPUs of a service; empty if the driver does not answer."""
    return service.gpus.resolve(facts.driver.gpus)[0] if isinstance(facts.driver, Driver) else ()


def services_of(facts: Facts) -> tuple[Service, ...]:
    """The planned services before `up`, the running ones afterwards."""
    return facts.planned or tuple(o.service for o in facts.observed if o.container.running)


def sharing(facts: Facts) -> tuple[Service, ...]:
    """All that will be on the GPUs: what is planned, and what runs beside it."""
    names = {service.name for service in facts.planned}
    running = (o.service for o in facts.observed if o.container.running)
    return (*facts.planned, *(s for s in running if s.name not in names))


def exist(facts: Facts) -> Iterable[Finding]:
    assert isinstance(facts.driver, Driver)
    for service in services_of(facts):
        if service.vram_mib and not service.gpus.wanted:
            yield Finding(
                "gpu.exists",
                Severity.ERROR,
                service.name,
                f"is given no GPU, though it needs {service.vram_mib} MiB of GPU memory",
                cause="its container was created without a device request",
                fix=f"stackctl restart {service.name}; if it stays, give the role its GPU back: "
                "deploy.resources.reservations.devices in compose/roles",
            )
        _, unknown = service.gpus.resolve(facts.driver.gpus)
        if not unknown:
            continue
        there = ", ".join(f"{g.index} ({g.uuid or 'lost'})" for g in facts.driver.gpus)
        yield Finding(
            "gpu.exists",
            Severity.ERROR,
            service.name,
            f"GPU {', '.join(unknown)} is not on this host",
            evidence=f"the driver shows: {there or 'none'}",
            cause="the number is wrong, or the card has failed",
            fix="correct the role's GPU in env/stack.env, then: stackctl up; if a card is missing: "
            "sudo dmesg | grep NVRM",
            values={"missing": list(unknown)},
        )


def nvml_inside(facts: Facts) -> Iterable[Finding]:
    for o in _on_gpu(facts):
        if not isinstance(o.inside, Unavailable):
            yield Finding("gpu.inside", Severity.OK, o.service.name, "GPU works inside")
            continue
        name, inside = o.service.name, o.inside
        if inside.code == "no-smi" and isinstance(o.cuda, Cuda) and o.cuda.usable:
            continue  # the engine has its GPU; that nobody can look at it is told by gpu.cuda
        hit = first(f"{inside.code} {inside.reason}", INSIDE)
        yield Finding(
            "gpu.inside",
            Severity.ERROR,
            name,
            "the GPU cannot be used inside the container",
            evidence=inside.reason,
            cause=hit.failure.cause if hit else "",
            fix=filled(hit.failure.fix, name, _number(o, facts))
            if hit
            else f"stackctl restart {name}",
            values={"code": inside.code, "failure": hit.failure.id if hit else ""},
        )


def _number(o: Observed, facts: Facts) -> int | None:
    """The GPU of which nvidia-smi complains, where it is clear: the broken one, or its only one."""
    if not isinstance(facts.driver, Driver):
        return None
    mine, unknown = o.service.gpus.resolve(facts.driver.gpus)
    # one that is lost does not even tell its UUID
    suspects = [g for g in facts.driver.gpus if g.fault and (g in mine or (unknown and not g.uuid))]
    chosen = suspects or mine
    return chosen[0].index if len(chosen) == 1 else None


def as_assigned(facts: Facts) -> Iterable[Finding]:
    """The UUIDs inside are exactly the ones that were given."""
    assert isinstance(facts.driver, Driver)
    for o in _on_gpu(facts):
        if isinstance(o.inside, Unavailable):
            continue
        wanted, unknown = o.service.gpus.resolve(facts.driver.gpus)
        expected = {gpu.uuid for gpu in wanted if gpu.uuid} | {u for u in unknown if "-" in u}
        seen = {gpu.uuid for gpu in o.inside}
        numbers = ", ".join(str(gpu.index) for gpu in wanted)
        if seen == expected:
            yield Finding("gpu.assigned", Severity.OK, o.service.name, f"sees GPU {numbers}")
            continue
        missing, extra = sorted(expected - seen), sorted(seen - expected)
        what = [f"does not see {', '.join(missing)}"] if missing else []
        what += [f"sees {', '.join(extra)}, which it was not given"] if extra else []
        yield Finding(
            "gpu.assigned",
            Severity.ERROR,
            o.service.name,
            "; ".join(what),
            evidence=f"inside: {', '.join(sorted(seen)) or 'no GPU'}",
            cause="a GPU failed or its device node was taken away"
            if missing
            else "the container is privileged, or has another way to the devices",
            fix=f"stackctl restart {o.service.name}"
            if missing
            else "remove `privileged` and NVIDIA_VISIBLE_DEVICES from the service",
            values={"missing": missing, "extra": extra},
        )


def room(facts: Facts) -> Iterable[Finding]:
    """What the services of one GPU promise to need, against what it has and others hold."""
    assert isinstance(facts.driver, Driver)
    ours = {o.container.id for o in facts.observed}
    for gpu in facts.driver.gpus:
        if gpu.fault:
            continue
        needs = {
            s.name: share
            for s in sharing(facts)
            if (share := _share(s, gpu, facts.driver)) is not None
        }
        needed = sum(needs.values())
        subject = f"GPU {gpu.index}"
        if not needed:
            continue
        listed = ", ".join(f"{name} {mib / 1024:.1f} GiB" for name, mib in needs.items())
        if needed > gpu.total_mib:
            yield Finding(
                "gpu.room",
                Severity.ERROR,
                subject,
                f"its services need {needed / 1024:.1f} GiB, it has {gpu.total_mib / 1024:.1f} GiB",
                evidence=listed,
                cause="two services that do not fit were given the same GPU",
                fix="give one of them another GPU, a smaller model or a shorter context window "
                "(env/stack.env), then: stackctl up",
                values={"needed_mib": needed, "total_mib": gpu.total_mib},
            )
            continue
        held = sum(p.used_mib for p in gpu.processes if p.container_id in ours)
        foreign = gpu.used_mib - held
        others = [p for p in gpu.processes if p.container_id not in ours]
        # without the daemon nobody knows which containers are ours
        too_much = foreign > FOREIGN_MIB and foreign > gpu.total_mib - needed
        if isinstance(facts.daemon, Daemon) and too_much:
            who = ", ".join(f"{_holder(p)} ({p.used_mib} MiB)" for p in others)
            yield Finding(
                "gpu.room",
                Severity.ERROR,
                subject,
                f"{foreign / 1024:.1f} GiB are held by somebody else; its services need "
                f"{needed / 1024:.1f} of {gpu.total_mib / 1024:.1f} GiB",
                evidence=who or "no process is listed for it",
                cause="another program, or an orphan of a dead container, holds GPU memory",
                fix="end that process; if none is listed: sudo fuser -v /dev/nvidia*",
                values={"foreign_mib": foreign},
            )
        else:
            yield Finding("gpu.room", Severity.OK, subject, f"room for {listed}")


def _share(service: Service, gpu: Gpu, driver: Driver) -> float | None:
    """What a service needs of one GPU; None if it is not its own. A card that is missing was
    to take its share: the others are no fuller for that."""
    mine, unknown = service.gpus.resolve(driver.gpus)
    return (service.vram_mib or 0) / (len(mine) + len(unknown)) if gpu in mine else None


def _holder(process: GpuProcess) -> str:
    inside = process.container_id
    return f"container {inside[:12]}" if inside else f"pid {process.pid}"


def _on_gpu(facts: Facts) -> tuple[Observed, ...]:
    return tuple(o for o in facts.observed if o.container.running and o.service.gpus.wanted)


CHECKS = (
    Check("gpu.exists", "Assigned GPUs exist", Phase.BOTH, exist, needs=("driver",)),
    Check("gpu.inside", "The GPU works inside the container", Phase.RUNNING, nvml_inside),
    Check(
        "gpu.assigned",
        "The container sees exactly its GPUs",
        Phase.RUNNING,
        as_assigned,
        needs=("driver",),
    ),
    Check("gpu.room", "The services of a GPU fit on it", Phase.BOTH, room, needs=("driver",)),
)
