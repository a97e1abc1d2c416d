"""Start containers in dependency order, independent ones at once, each through its gates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event

from stackctl.catalogue import CREATE, filled, first
from stackctl.commands import gates
from stackctl.model import (
    Container,
    Finding,
    Gpu,
    Service,
    Severity,
    Stack,
    StackError,
)
from stackctl.system import terminal
from stackctl.system.docker import Docker


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far a service came. `word` says it where it is not `done`."""

    service: Service
    word: str
    findings: tuple[Finding, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    proof: str = ""
    url: str = ""

    @property
    def done(self) -> bool:
        return self.word == "up"


def start(
    docker: Docker, stack: Stack, chosen: Sequence[Service], patience: gates.Patience
) -> tuple[Outcome, ...]:
    """Start every chosen service when those it depends on have passed their gates.

    Ctrl-C returns at once: containers that were started go on, the rest stay created.
    """
    containers = {
        service.name: (service, container)
        for service, container in docker.services()
        if container.project == stack.project
    }
    names = {service.name for service in chosen}
    results: dict[str, Future[Outcome]] = {}
    stop = Event()
    with terminal.board() as board:
        pool = ThreadPoolExecutor(max(1, len(chosen)))
        try:
            for service in _in_order(chosen):
                before = {name: results[name] for name in service.depends_on if name in names}
                pair = containers.get(service.name)
                results[service.name] = pool.submit(
                    _bring_up, docker, service, pair, before, patience, board, stop
                )
            return tuple(results[service.name].result() for service in chosen)
        except KeyboardInterrupt:
            stop.set()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _bring_up(
    docker: Docker,
    service: Service,
    pair: tuple[Service, Container] | None,
    before: Mapping[str, Future[Outcome]],
    patience: gates.Patience,
    board: terminal.Board,
    stop: Event,
) -> Outcome:
    for name, future in before.items():
        board.set(service.name, f"waits for {name}")
        if not future.result().done:
            board.set(service.name, f"not started: {name} failed", done=True)
            return Outcome(service, f"not started: {name} failed")
    if pair is None:
        return Outcome(service, "failed", (_failure(service, "its container was not created"),))
    actual, container = pair
    try:
        if not container.running:
            board.set(service.name, "starting")
            docker.start(container.id)
        return _outcome(gates.pass_all(docker, container.id, patience, board, stop), service)
    except StackError as error:
        board.set(service.name, "failed", done=True)
        return Outcome(actual, "failed", (_explained(service, error),))


def _outcome(result: gates.Result, service: Service) -> Outcome:
    failed = any(finding.severity is Severity.ERROR for finding in result.findings)
    proof = next((f.summary for f in result.findings if f.check == "engine.on-gpu"), "")
    return Outcome(
        result.observed.service if result.observed else service,
        "failed" if failed else "up",
        result.findings,
        result.gpus,
        "" if failed else proof,
        result.observed.container.url if result.observed else "",
    )


def _explained(service: Service, error: StackError) -> Finding:
    """What the daemon says when it cannot start a container, or why we gave up on it."""
    hit = first(error.message, CREATE)
    if hit is None:
        return _failure(service, error.message, error.fix)
    return Finding(
        "service.running",
        Severity.ERROR,
        service.name,
        "Docker cannot start it",
        evidence=hit.explanation.line,
        cause=hit.failure.cause,
        fix=filled(hit.failure.fix, service.name),
        values={"failure": hit.failure.id},
    )


def _failure(service: Service, message: str, fix: str = "") -> Finding:
    fix = fix or f"stackctl logs {service.name}; stackctl restart {service.name}"
    return Finding("service.running", Severity.ERROR, service.name, message, fix=fix)


def _in_order(services: Sequence[Service]) -> list[Service]:
    """Dependencies first. Compose has refused cycles before we see them."""
    by_name = {service.name: service for service in services}
    ordered: dict[str, Service] = {}

    def visit(service: Service) -> None:
        for name in service.depends_on:
            if name in by_name and name not in ordered:
                visit(by_name[name])
        ordered[service.name] = service

    for service in services:
        visit(service)
    return list(ordered.values())
