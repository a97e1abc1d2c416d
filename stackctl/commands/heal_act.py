"""New containers for services that need one: one at a time on each GPU, each through its gates."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from enum import Enum, auto
from pathlib import Path
from threading import Event, Lock

from stackctl import compose
from stackctl import facts as gather
from stackctl.checks.gpus import FOREIGN_MIB
from stackctl.commands import gates
from stackctl.commands.gates import Patience
from stackctl.commands.heal_plan import Action, Step
from stackctl.model import (
    Daemon,
    Driver,
    Facts,
    Gpu,
    Observed,
    Placement,
    Service,
    Severity,
    Stack,
    StackError,
    Unavailable,
)
from stackctl.placement import assign
from stackctl.settings import Settings
from stackctl.system import files, nvml, process, terminal
from stackctl.system.docker import Docker

#: seconds within which the driver gives the memory of a container back that has ended
_FREEING = 60.0
_CREATING = 300.0
_PAUSE = 0.2


class Done(Enum):
    PROVEN = auto()
    LOADING = auto()
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Result:
    word: Done
    why: str = ""


def preflight(docker: Docker, stack: Stack, names: Sequence[str], config: Settings) -> Facts:
    """What `up` would look at before it changed these services."""
    chosen = [service for service in stack.services if service.name in names]
    facts = gather.preflight(docker, chosen, str(config.models_dir))
    if isinstance(facts.daemon, Unavailable):
        return facts
    ours = tuple(Observed(service, c) for service, c in docker.services(stack.project))
    return replace(facts, observed=ours)


def unfit(facts: Facts) -> str:
    """Why nothing at all can be done, if so."""
    for fact in (facts.daemon, facts.driver):
        if isinstance(fact, Unavailable):
            return fact.reason
    return ""


def place(facts: Facts, config: Settings) -> Placement:
    """Which GPUs each service gets, written down for Compose. Raises StackError."""
    assert isinstance(facts.driver, Driver)
    assert isinstance(facts.daemon, Daemon)
    placement = assign(facts.planned, facts.driver.gpus, facts.daemon.cdi_devices)
    files.write(_override(config), compose.override(placement))
    return placement


def _override(config: Settings) -> Path:
    # not the file that `up` writes: that one has the whole stack in it
    return config.state / "healing.yaml"


def mend(
    docker: Docker,
    steps: Sequence[Step],
    stack: Stack,
    config: Settings,
    facts: Facts,
    placement: Placement,
    patience: Patience,
) -> dict[str, Result]:
    """Every step, by its subject: in the order given where one needs another, else at once."""
    results: dict[str, Future[Result]] = {}
    stop = Event()
    with terminal.board() as board:
        work = _Work(docker, stack, config, placement, patience, board, stop)
        pool = ThreadPoolExecutor(len(steps))
        try:
            for step in steps:
                service = next(s for s in facts.planned if s.name == step.service)
                before = {n: results[n] for n in service.depends_on if n in results}
                results[step.service] = pool.submit(work.do, step, service, before)
            return {step.subject: results[step.service].result() for step in steps}
        except KeyboardInterrupt:
            stop.set()
            raise
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Work:
    def __init__(
        self,
        docker: Docker,
        stack: Stack,
        config: Settings,
        placement: Placement,
        patience: Patience,
        board: terminal.Board,
        stop: Event,
    ) -> None:
        self._docker, self._stack, self._config = docker, stack, config
        self._placement, self._patience = placement, patience
        self._board, self._stop = board, stop
        indexes = {gpu.index for gpus in placement.gpus.values() for gpu in gpus}
        self._gpus = {index: Lock() for index in sorted(indexes)}
        self._compose = Lock()

    def do(self, step: Step, service: Service, before: Mapping[str, Future[Result]]) -> Result:
        for name, future in before.items():
            if future.result().word is not Done.PROVEN:
                return Result(Done.FAILED, f"{name}, which it needs, is not there yet")
        mine = self._placement.gpus.get(service.name, ())
        with ExitStack() as held:
            # two that load at once would each see the memory that the other is about to take;
            # in the order of their numbers, or two services would wait for each other
            for index in sorted(gpu.index for gpu in mine):
                held.enter_context(self._gpus[index])
            try:
                return self._mend(step, service, mine)
            except StackError as error:
                self._board.set(service.name, "failed", done=True)
                fix = f"; fix: {error.fix}" if error.fix else ""
                return Result(Done.FAILED, error.message + fix)

    def _mend(self, step: Step, service: Service, mine: Sequence[Gpu]) -> Result:
        began = time.monotonic()
        if step.action is Action.RECREATE:
            old = set(self._ids(service))
            self._board.set(service.name, "recreating")
            self._create(service)
            if mine:
                self._board.set(service.name, "waiting for GPU memory")
                wait_for_memory(service, [gpu.index for gpu in mine], old)
        ids = self._ids(service)
        if not ids:
            raise StackError("its container was not created", fix=f"stackctl up {service.name}")
        if step.action is Action.RECREATE:
            self._board.set(service.name, "starting")
            self._docker.start(ids[0])
        result = gates.pass_all(self._docker, ids[0], self._patience, self._board, self._stop)
        bad = [f for f in result.findings if f.severity is Severity.ERROR]
        if not bad:
            return Result(Done.PROVEN)
        late = time.monotonic() - began >= self._patience.total
        if late and all(f.check == "service.ready" for f in bad):
            return Result(Done.LOADING)
        fix = f"; fix: {bad[0].fix}" if bad[0].fix else ""
        return Result(Done.FAILED, f"{bad[0].summary} [{bad[0].check}]{fix}")

    def _create(self, service: Service) -> None:
        words = ("up", "--no-start", "--no-deps", "--force-recreate", "--pull", "never")
        argv = compose.argv(
            self._config.compose_file,
            self._config.env_files,
            *words,
            service.name,
            override=str(_override(self._config)),
        )
        with self._compose:  # two of them would both make the network
            result = process.run(argv, env=self._config.environ, timeout=_CREATING)
        if result.code != 0:
            raise compose.explain(result.err)

    def _ids(self, service: Service) -> list[str]:
        """Its containers; more than one where a healer was killed between old and new."""
        pairs = self._docker.services(self._stack.project)
        return [container.id for each, container in pairs if each.name == service.name]


def wait_for_memory(service: Service, indexes: Sequence[int], old: Iterable[str]) -> None:
    """Until the driver has taken back what the old container held, and there is room."""
    need = (service.vram_mib or 0) / max(1, len(indexes))
    gone = set(old)
    until = time.monotonic() + _FREEING
    while True:
        driver = nvml.read()
        if isinstance(driver, Unavailable):
            raise StackError(f"the driver does not answer: {driver.reason}", fix="stackctl verify")
        short = [g for g in driver.gpus if g.index in indexes and _short(g, need, gone)]
        if not short:
            return
        if time.monotonic() > until:
            gpu = short[0]
            who = ", ".join(f"pid {p.pid}: {p.used_mib} MiB" for p in gpu.processes) or "nobody"
            raise StackError(
                f"GPU {gpu.index} has {gpu.total_mib - gpu.used_mib} MiB free, {need:.0f} are "
                f"needed; held by {who}",
                fix="end that process; if none is listed: sudo fuser -v /dev/nvidia*",
            )
        time.sleep(_PAUSE)


def _short(gpu: Gpu, need: float, gone: set[str]) -> bool:
    held = any(p.container_id in gone for p in gpu.processes)
    return held or gpu.total_mib - gpu.used_mib + FOREIGN_MIB < need
