"""A healthy host with a real driver, four GPUs and two containers, as facts."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from stackctl.checks.doctor import LOOKS, run
from stackctl.model import Container, Daemon, Driver, Finding, Severity, Space
from stackctl.model.host import (
    Bridge,
    Card,
    CdiSpec,
    Config,
    Devices,
    Engine,
    Firewall,
    Guest,
    HostFacts,
    Kernel,
    PciGpu,
    Peers,
    Route,
    Rules,
    Toolkit,
)
from tests.unit.stackctl.box import CODER, MAIN, gpu

DRIVER = "580.95.05"
NODES = {f"/dev/nvidia{n}": (195, n) for n in range(4)} | {
    "/dev/nvidiactl": (195, 255),
    "/dev/nvidia-uvm": (510, 0),
}
RULES = Rules(allowed=("1:3", "195:0", "195:1", "195:255", "510:0", "136:*"))
#: of a container whose GPU came in by the hook
BLIND = Rules(allowed=("1:3", "1:5", "136:*"))


def guest(service: Any, **changes: Any) -> Guest:
    box = Container(
        f"{service.name:0<64}", service.name, "stack", "running", 100, time.time() - 3600
    )
    return replace(
        Guest(service, box, log_driver="json-file", shm_mib=8192, rules=RULES), **changes
    )


def engine(*guests: Guest, **changes: Any) -> Engine:
    made = Engine(
        daemon=Daemon("28.5.2", ("nvidia.com/gpu=0", "nvidia.com/gpu=all"), ("runc",), "systemd"),
        root="/var/lib/docker",
        guests=guests or (guest(MAIN), guest(CODER)),
        bridges=(
            Bridge("bridge", "docker0", ("172.17.0.0/16",)),
            Bridge("stack_default", "br-0123456789ab", ("172.18.0.0/16",)),
        ),
    )
    return replace(made, **changes)


def pci(index: int, **changes: Any) -> PciGpu:
    made = PciGpu(f"0000:{0x1A + index:02x}:00.0", "nvidia", 16, 16, "identity")
    return replace(made, **changes)


def spec(**changes: Any) -> CdiSpec:
    made = CdiSpec(
        "/etc/cdi/nvidia.yaml",
        devices=("0", "1", "2", "3", "all"),
        versions=(DRIVER,),
        majors={"/dev/nvidia-uvm": 510},
    )
    return replace(made, **changes)


def host(**changes: Any) -> HostFacts:
    """Nothing is wrong with it, but for the changes."""
    made = HostFacts(
        driver=Driver(DRIVER, "13.0", tuple(gpu(n) for n in range(4))),
        kernel=Kernel(
            "6.8.0-99-generic",
            DRIVER,
            DRIVER,
            (DRIVER,),
            uvm=True,
            others={"6.8.0-99-generic": True, "6.8.0-9-generic": False},
        ),
        devices=Devices({"nvidia": 195, "nvidia-uvm": 510}, NODES),
        specs=(spec(),),
        toolkit=Toolkit("/usr/bin/nvidia-ctk", "1.18.0", persistenced=True),
        pci=tuple(pci(n) for n in range(4)),
        cards=tuple(Card(n, True, 260.0, 260.0, 91, 1) for n in range(4)),
        peers=Peers({(0, 1): 0}),
        xids=(),
        engine=engine(),
        config=Config("/etc/docker/daemon.json", flags=("-H", "fd://")),
        routes=(
            Route("192.168.1.0/24", "eth0"),
            Route("172.17.0.0/16", "docker0"),
            Route("172.18.0.0/16", "br-0123456789ab"),
        ),
        firewall=Firewall(active=True, denies=True, allowed=("22",)),
        space=(Space("/var/lib/docker", 400_000),),
        host_shm=Space("/dev/shm", 64_000),
        compose="2.40.3",
    )
    return replace(made, **changes)


def problems(**changes: Any) -> list[Finding]:
    """What is wrong with a host that is healthy but for the changes."""
    bad = (Severity.WARNING, Severity.ERROR)
    return [finding for finding in run(LOOKS, host(**changes)) if finding.severity in bad]


def only(check: str, severity: Severity, **changes: Any) -> Finding:
    """The one problem that the changes make."""
    found = problems(**changes)
    assert [(f.check, f.severity) for f in found] == [(check, severity)], found
    assert found[0].cause
    assert found[0].fix
    return found[0]
