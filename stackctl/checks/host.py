"""Before `up`: ports, room on the disk."""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.model import Check, Facts, Finding, Phase, Severity, Space

#: below this Docker cannot even write its logs
DISK_MINIMUM_MIB = 2048


def ports(facts: Facts) -> Iterable[Finding]:
    # what is planned is created anew, or has the port already
    names = {service.name for service in facts.planned}
    ours = {o.container.name for o in facts.observed if o.service.name in names}
    claimed: dict[int, str] = {}
    for service in facts.planned:
        for port in service.ports:
            knob = f"{service.role.upper()}_PORT"
            if port.host in claimed:
                yield Finding(
                    "host.port",
                    Severity.ERROR,
                    service.name,
                    f"port {port.host} is also given to {claimed[port.host]}",
                    fix=f"set {knob} to another port in env/stack.env",
                )
                continue
            claimed[port.host] = service.name
            holder = facts.port_holders.get(port.host, "")
            if holder and holder.removeprefix("container ") not in ours:
                yield Finding(
                    "host.port",
                    Severity.ERROR,
                    service.name,
                    f"port {port.host} is taken by {holder}",
                    fix=f"end it, or set {knob} to another port in env/stack.env",
                    values={"port": port.host, "holder": holder},
                )


def disk(facts: Facts) -> Iterable[Finding]:
    low = [space for space in facts.space if space.free_mib < DISK_MINIMUM_MIB]
    told = {space.device for space in low if space.device and not space.models}
    for space in low:
        if not space.models:
            yield _low(
                space,
                Severity.ERROR,
                "disk",
                "Docker and the engines need room for layers, logs and caches; what runs, runs on, "
                "but no container can be made, and logs are cut off",
                f"df -h {space.path}; docker system df; docker image prune; stackctl doctor shows "
                "logs without an end",
            )
        elif space.device not in told:
            # engines read their models: one that runs, and one that starts, need no room there
            yield _low(
                space,
                Severity.WARNING,
                "models' disk",
                "engines go on, they only read; what is fetched, mended or made there (pictures) "
                "finds no room",
                f"df -h {space.path}; stackctl models prune",
            )


def _low(space: Space, severity: Severity, subject: str, cause: str, fix: str) -> Finding:
    return Finding(
        "host.disk",
        severity,
        subject,
        f"{space.free_mib} MiB free at {space.path}",
        cause=cause,
        fix=fix,
        values={"path": space.path, "free_mib": space.free_mib},
    )


CHECKS = (
    Check("host.port", "The ports are free", Phase.PREFLIGHT, ports),
    Check("host.disk", "There is room on the disk", Phase.BOTH, disk),
)
