"""`stackctl rollout ROLE`: its new settings, without downtime where there is a way.

Another replica answers meanwhile; or a second container on a GPU that has room; or, where there is
neither, requests wait in the gateway until the new container is ready. Whatever way, a new
container that does not pass its gates leaves the old one in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stackctl.commands import plan
from stackctl.commands.gates import Patience
from stackctl.commands.gateway import apply, swap
from stackctl.commands.gateway.apply import Pairs
from stackctl.commands.gateway.traffic import Traffic
from stackctl.engines import ENGINES
from stackctl.model import Container, Daemon, Driver, Gpu, Service, StackError, Unavailable
from stackctl.placement import spare
from stackctl.settings import Settings
from stackctl.system import files, nvml, terminal
from stackctl.system.docker import Docker


class Way(StrEnum):
    REPLICA = "replica"
    SPARE = "spare"
    GAP = "gap"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a role gets its new settings. `gpus`: where the second container goes meanwhile."""

    way: Way
    why: str
    gpus: tuple[Gpu, ...] = ()


def rollout(role: str, *, drain: float, patience: Patience, dry_run: bool) -> int:
    """Replace the container of one role. 1 if the new one did not pass, and the old one is back."""
    config = plan.load()
    stack = plan.resolve(config)
    (service,) = plan.select(stack.services, [role])
    docker = Docker()
    pairs = docker.services(stack.project)
    old = _running(service, pairs)
    daemon, driver = docker.daemon(), nvml.read()
    for fact in (daemon, driver):
        if isinstance(fact, Unavailable):
            raise StackError(fact.reason, fix="stackctl verify")
    assert isinstance(daemon, Daemon)
    assert isinstance(driver, Driver)
    made = decide(service, pairs, driver, config)
    _tell(service, made, dry_run=dry_run)
    if dry_run:
        return 0
    with files.lock(config.state / "lock", "rollout"):
        work = swap.Work(docker, config, stack, driver, daemon, patience, drain)
        traffic = Traffic(apply.Place(config.root), backend_of(config, service, pairs))
        with terminal.board() as board:
            if made.way is Way.SPARE:
                done = swap.by_way_of(work, traffic, service, old, board, made.gpus)
            else:
                others = made.way is Way.REPLICA
                done = swap.in_place(work, traffic, service, old, board, others=others)
    terminal.out(
        f"{service.name} runs with its new settings"
        if done
        else f"{service.name} runs on as before, its new settings did not pass"
    )
    return 0 if done else 1


def decide(service: Service, pairs: Pairs, driver: Driver, config: Settings) -> Plan:
    """The way with the least that users notice."""
    others = [
        s.name
        for s, container in pairs
        if s.name != service.name
        and (s.engine, s.model) == (service.engine, service.model)
        and container.running
        and container.health in ("", "healthy")
    ]
    if others and service.model:
        return Plan(Way.REPLICA, f"{', '.join(others)} answers for {service.model} meanwhile")
    whole = service.engine in ENGINES and ENGINES[service.engine].greedy
    gpus = spare(service, driver.gpus, whole=whole)
    if gpus and swap.role_file(config, service).is_file():
        where = ", ".join(str(gpu.index) for gpu in gpus)
        return Plan(Way.SPARE, f"a second container on GPU {where} answers meanwhile", gpus)
    return Plan(
        Way.GAP,
        f"no other replica of {service.model or service.name}, and no GPU with room for one more",
    )


def _running(service: Service, pairs: Pairs) -> Container:
    mine = [container for s, container in pairs if s.name == service.name and container.running]
    if not mine:
        raise StackError(
            f"{service.name} does not run, so there is nothing to replace",
            fix=f"stackctl up {service.name}",
        )
    return mine[0]


def backend_of(config: Settings, service: Service, pairs: Pairs) -> str:
    """The gateway's name for what this service serves; empty if no gateway runs."""
    pair = apply.among(pairs, apply.Place(config.root))
    if pair is None or not pair[1].running:
        return ""
    hosts = {c.name for s, c in pairs if s.name == service.name}
    for backend in apply.known_backends(pairs, pair[1].project):
        if hosts & {server.name for server in backend.servers}:
            return backend.name
    return ""


def _tell(service: Service, made: Plan, *, dry_run: bool) -> None:
    lines = [f"{service.name}: {made.why}"]
    if made.way is Way.GAP:
        lines.append(
            "nobody answers from the old container's end until the new one is ready, as long as "
            "its model takes to load; requests wait in the gateway for up to 15 minutes, "
            "1000 of them at most"
        )
    if dry_run:
        lines.append("nothing was done")
    terminal.out("\n".join(lines))
