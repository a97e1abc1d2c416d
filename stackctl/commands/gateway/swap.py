"""One container takes the place of another, and gives it back when it does not pass its gates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from stackctl import compose, report
from stackctl.commands import gates
from stackctl.commands.gates import Patience
from stackctl.commands.gateway import apply
from stackctl.commands.gateway.traffic import Traffic
from stackctl.commands.heal_act import wait_for_memory
from stackctl.model import Container, Daemon, Driver, Gpu, Service, Severity, Stack, StackError
from stackctl.placement import assign, request
from stackctl.settings import Settings
from stackctl.system import files, process, terminal
from stackctl.system.docker import Docker

_CREATING = 300.0


@dataclass(frozen=True, slots=True)
class Work:
    """What a swap needs. `drain`: seconds that running requests have to end."""

    docker: Docker
    config: Settings
    stack: Stack
    driver: Driver
    daemon: Daemon
    patience: Patience
    drain: float


def role_file(config: Settings, service: Service) -> Path:
    return config.root / "compose" / "roles" / f"{service.name}.yaml"


def in_place(
    work: Work,
    traffic: Traffic,
    service: Service,
    old: Container,
    board: terminal.Board,
    *,
    others: bool,
) -> bool:
    """On the same GPUs: the old container ends before the new one starts, under its name.

    So the gateway needs no other configuration; it follows the name. Where no `others` answer,
    requests wait in it.
    """
    name = service.name
    board.set(name, "creating")
    new = _create(work, service, old)
    try:
        traffic.empty(old.name, work.drain, lambda word: board.set(name, word), others=others)
        board.set(name, "stopping the old one")
        work.docker.stop(old.id)
        work.docker.rename(old.id, f"{old.name}-old")
        work.docker.rename(new.id, old.name)
        passed = _prove(work, service, new, board, gone=old)
        if not passed:
            board.set(name, "the old one comes back")
    except BaseException:
        # interrupted as well: half a swap is no state to leave a service in
        _back(work, old, new)
        traffic.release(old.name)
        raise
    if not passed:
        _back(work, old, new)
    traffic.wait(old.name)
    traffic.release()
    if passed:
        work.docker.remove(old.id)
    board.set(name, "replaced" if passed else "the old one is back", done=True)
    return passed


def by_way_of(
    work: Work,
    traffic: Traffic,
    service: Service,
    old: Container,
    board: terminal.Board,
    gpus: Sequence[Gpu],
) -> bool:
    """By way of a second container on other GPUs, which answers while the first is replaced."""
    name = f"{service.name}-next"
    board.set(name, "creating")
    stand_in = _create_beside(work, service, name, gpus)
    try:
        if not _prove(work, service, stand_in, board):
            return False
        _refresh(work)
        traffic.wait(stand_in.name)
        board.set(name, "answers meanwhile", done=True)
        done = in_place(work, traffic, service, old, board, others=True)
        traffic.empty(stand_in.name, work.drain, lambda word: board.set(name, word), others=True)
        return done
    finally:
        work.docker.remove(stand_in.id)
        traffic.release()
        _refresh(work)
        board.set(name, "removed", done=True)


def _create(work: Work, service: Service, old: Container) -> Container:
    """Its new container, beside the one that runs; both have the same ports, so it cannot start."""
    placement = assign(work.stack.services, work.driver.gpus, work.daemon.cdi_devices)
    target = work.config.state / "placement.yaml"
    files.write(target, compose.override(placement))
    words = ("--no-recreate", "--scale", f"{service.name}=2", service.name)
    return _made(work, service.name, words, target, known=old.id)


def _create_beside(work: Work, service: Service, name: str, gpus: Sequence[Gpu]) -> Container:
    target = work.config.state / "rollout.yaml"
    devices = request(gpus, work.daemon.cdi_devices)
    text = compose.beside(service.name, name, role_file(work.config, service), devices)
    files.write(target, text)
    return _made(work, name, ("--force-recreate", name), target)


def _made(
    work: Work, name: str, words: Sequence[str], override: Path, known: str = ""
) -> Container:
    argv = compose.argv(
        work.config.compose_file,
        work.config.env_files,
        *("up", "--no-start", "--no-deps", "--pull", "never", *words),
        override=str(override),
    )
    result = process.run(argv, env=work.config.environ, timeout=_CREATING)
    if result.code != 0:
        raise compose.explain(result.err)
    for service, container in work.docker.services(work.stack.project):
        if service.name == name and container.id != known and not container.running:
            return container
    raise StackError(f"{name}: its new container was not created", fix=f"stackctl up {name}")


def _prove(
    work: Work,
    service: Service,
    new: Container,
    board: terminal.Board,
    gone: Container | None = None,
) -> bool:
    """Start it and take it through its gates; what it fails is told."""
    if gone and service.gpus.wanted:
        mine, _ = service.gpus.resolve(work.driver.gpus)
        wait_for_memory(service, [gpu.index for gpu in mine], {gone.id})
    work.docker.start(new.id)
    result = gates.pass_all(work.docker, new.id, work.patience, board, Event())
    bad = [f for f in result.findings if f.severity is Severity.ERROR]
    for finding in bad:
        terminal.out("\n" + report.problem(finding, colour=terminal.colour()))
    return not bad


def _back(work: Work, old: Container, new: Container) -> None:
    work.docker.remove(new.id)
    now = work.docker.service(old.id)
    if now and now[1].name != old.name:
        work.docker.rename(old.id, old.name)
    work.docker.start(old.id)


def _refresh(work: Work) -> None:
    apply.refresh(work.config.root, work.docker)
