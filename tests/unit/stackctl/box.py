"""A healthy box as facts: four GPUs, four services, everything as promised."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from stackctl.checks import CHECKS, run
from stackctl.model import (
    Buffer,
    Container,
    Cuda,
    Daemon,
    Driver,
    Facts,
    Finding,
    Gpu,
    GpuProcess,
    GpuProof,
    GpuRequest,
    Observed,
    Phase,
    Port,
    Progress,
    SeenGpu,
    Served,
    Service,
    Severity,
    Space,
    Unavailable,
)

ROOT = Path(__file__).resolve().parents[3]
LOGS = ROOT / "tests" / "golden" / "logs"
STARTED = time.time() - 3600


def uuid(index: int) -> str:
    return f"GPU-{index:08d}-0000-4000-8000-000000000000"


def gpu(index: int, **changes: Any) -> Gpu:
    card = Gpu(
        index=index,
        uuid=uuid(index),
        name="Quadro RTX 8000",
        total_mib=46080,
        used_mib=300,
        compute=(7, 5),
        pci_bus_id=f"00000000:{0x1A + index:02X}:00.0",
    )
    return replace(card, **changes)


def log(name: str) -> str:
    return (LOGS / f"{name}.log").read_text()


def service(role: str, indexes: tuple[int, ...], vram: int, port: int, **changes: Any) -> Service:
    made = Service(
        name=role,
        role=role,
        engine="ollama",
        model=f"model-of-{role}",
        context=131072,
        port=8000,
        vram_mib=vram,
        gpus=GpuRequest("nvidia", tuple(uuid(i) for i in indexes)),
        image="engine:1",
        ports=(Port("127.0.0.1", port, 8000),),
    )
    return replace(made, **changes)


MAIN = service("main", (0, 1), 66400, 8001)
CODER = service("coder", (3,), 15700, 8002)
AUDIO = service("audio", (2,), 5000, 8003, engine="whisper", context=None)
IMAGE = service("image", (2,), 24000, 8004, engine="comfyui", context=None, model="")
SERVICES = (MAIN, CODER, AUDIO, IMAGE)


def container(of: Service, **changes: Any) -> Container:
    made = Container(
        id=of.name.ljust(64, "0"),
        name=f"stackctl-{of.name}-1",
        project="stackctl",
        state="running",
        started_at=STARTED,
        health="healthy",
        url=f"http://127.0.0.1:{of.ports[0].host}",
    )
    return replace(made, **changes)


def observed(of: Service, **changes: Any) -> Observed:
    indexes = [i for i in range(4) if uuid(i) in of.gpus.ids]
    seen = Observed(
        service=of,
        container=container(of),
        inside=tuple(SeenGpu(uuid(i), "Quadro RTX 8000") for i in indexes),
        ready=True,
        proof=GpuProof(tuple(Buffer(f"CUDA{n}", "model", 4000.0) for n in range(len(indexes)))),
        served=Served((of.model,), of.context),
        answer="Paris.",
        progress=Progress("loaded", 100),
    )
    return replace(seen, **changes)


def held(*names: str, mib: int = 5000) -> dict[str, Any]:
    """What these services hold of one GPU, as changes of it."""
    processes = tuple(GpuProcess(100 + n, mib, c.ljust(64, "0")) for n, c in enumerate(names))
    return {"processes": processes, "used_mib": 300 + mib * len(names)}


GPUS = (
    gpu(0, **held("main")),
    gpu(1, **held("main")),
    gpu(2, **held("audio", "image")),
    gpu(3, **held("coder")),
)
DRIVER = Driver("580.95.05", "13.0", GPUS)
#: after `up`
HEALTHY = Facts(
    daemon=Daemon("29.2.0", cdi_devices=("nvidia.com/gpu=all",)),
    compose="2.40.3",
    driver=DRIVER,
    observed=tuple(observed(s) for s in SERVICES),
    space=(Space("/var/lib/docker", 500_000),),
)
#: before the first `up`
EMPTY = replace(
    HEALTHY,
    driver=replace(DRIVER, gpus=tuple(gpu(i) for i in range(4))),
    planned=SERVICES,
    observed=(),
)


def with_gpu(index: int, **changes: Any) -> Facts:
    gpus = tuple(replace(g, **changes) if g.index == index else g for g in GPUS)
    return replace(HEALTHY, driver=replace(DRIVER, gpus=gpus))


def with_service(role: str, **changes: Any) -> Facts:
    """One observed service changed; the keys of Service and Container go to their parts."""
    seen = []
    for o in HEALTHY.observed:
        if o.service.role == role:
            for key, value in changes.items():
                if key in Service.__slots__ and key != "name":
                    o = replace(o, service=replace(o.service, **{key: value}))
                elif key in Observed.__slots__:
                    o = replace(o, **{key: value})
                else:
                    o = replace(o, container=replace(o.container, **{key: value}))
        seen.append(o)
    return replace(HEALTHY, observed=tuple(seen))


def with_cuda(role: str, cuda: Cuda | Unavailable, facts: Facts = HEALTHY) -> Facts:
    """What CUDA says inside the container of one service."""
    seen = (replace(o, cuda=cuda) if o.service.role == role else o for o in facts.observed)
    return replace(facts, observed=tuple(seen))


def findings(check: str, facts: Facts, phase: Phase = Phase.RUNNING) -> tuple[Finding, ...]:
    return run([c for c in CHECKS if c.id == check], facts, phase)


def bad(facts: Facts, phase: Phase = Phase.RUNNING) -> tuple[Finding, ...]:
    """Every warning and error of all checks; each has a fix, a subject and a known id."""
    found = tuple(
        f for f in run(CHECKS, facts, phase) if f.severity in (Severity.WARNING, Severity.ERROR)
    )
    for finding in found:
        assert finding.fix, finding
        assert finding.subject, finding
        assert finding.check in {c.id for c in CHECKS}
    return found


def only(facts: Facts, phase: Phase = Phase.RUNNING) -> Finding:
    """The one problem of this box."""
    found = bad(facts, phase)
    assert len(found) == 1, found
    return found[0]
