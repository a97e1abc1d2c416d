"""The role's GPUs while candidates are tried on them: taken over, and given back as they were."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import FrameType

from stackctl import __version__, compose
from stackctl.bench.plan import Shape
from stackctl.bench.result import Result
from stackctl.checks import CHECKS, run
from stackctl.commands import gates, heal_act, up
from stackctl.commands.bench import aims, measure
from stackctl.commands.gates import Patience
from stackctl.commands.gateway import apply
from stackctl.commands.gateway.rollout import backend_of
from stackctl.commands.gateway.traffic import Traffic
from stackctl.commands.heal_plan import concerns
from stackctl.commands.tune.ground import Candidate, Role
from stackctl.commands.tune.keep import Shelf
from stackctl.model import Container, Finding, Phase, Service, Severity, StackError, Unavailable
from stackctl.model import load as requests
from stackctl.settings import Settings
from stackctl.system import files, process, terminal
from stackctl.system.docker import Docker
from stackctl.tune.space import Load
from stackctl.tune.trial import Trial

#: of the prompts: every candidate gets the same
_SEED = 7
_CREATING = 300.0
#: seconds that requests of clients have to end, before their engine goes
_DRAIN = 60.0
#: seconds after which a step begins no more requests, and without a token
_STEP, _SILENT = 300.0, 300.0
RUNNING, STOPPED, ABSENT = "running", "stopped", "absent"


class Stage:
    """Opened by the first trial; `close` gives the role back."""

    def __init__(self, docker: Docker, role: Role, shelf: Shelf, patience: Patience) -> None:
        self._docker, self._role, self._shelf, self._patience = docker, role, shelf, patience
        self._held = ExitStack()
        self._up = ""  # key of the candidate that runs and is proven
        self.open = False

    def take(self) -> None:
        """The lock, for as long as it lasts: neither heal nor up may come in between."""
        if self.open:
            return
        config = self._role.config
        verb = f"tune {self._role.service.name}"
        self._held.enter_context(files.lock(config.state / "lock", verb))
        self._held.enter_context(_hangups())
        if not self._shelf.before():
            state = self._state()
            if state == RUNNING:
                self._check_written()
            self._shelf.begin(state)
        self.open = True
        self._away()

    def trial(self, candidate: Candidate, load: Load) -> Trial:
        """One candidate from its bring-up to its figures; why there are none, if so."""
        self.take()
        at, began = time.time(), time.monotonic()
        why, measured, passing = "", None, False
        try:
            why = self._bring_up(candidate.config, candidate.service)
            if not why:
                self._up = candidate.key
                measured = _measured(candidate, load)
        except StackError as error:
            if isinstance(daemon := self._docker.daemon(), Unavailable):
                # that is none of the candidate's faults
                raise StackError(daemon.reason, fix="docker info") from None
            why, passing = error.message, True
        done = time.monotonic() - began
        return Trial(candidate.key, candidate.label, at, done, why, measured, passing)

    def close(self, current: str = "") -> bool:
        """The role as it was before: its settings, running or not. Whether it came to that.
        `current`: the key of the owner's settings."""
        if not self.open:
            return True
        try:
            with self._held:
                return self._give_back(current)
        finally:
            self.open = False

    def _give_back(self, current: str) -> bool:
        name, state = self._role.service.name, self._shelf.before()
        terminal.out(f"\n{name}: the former settings come back ({state})")
        why = ""
        if state == RUNNING and not (current and current == self._up):
            why = self._bring_up(self._role.config, self._role.service)
        elif state == STOPPED:
            self._create(self._role.config)
        elif state == ABSENT:
            for container in self._containers():
                self._docker.remove(container.id)
        if why:
            terminal.err(f"error: {name} does not come up with its former settings: {why}")
            terminal.err(f"  fix: stackctl up {name}; then: stackctl tune {name} --end")
            return False
        apply.refresh(self._role.config.root, self._docker)
        if state == RUNNING:
            for container in self._containers():
                self._traffic().wait(container.name)
        self._shelf.end()
        return True

    def _bring_up(self, config: Settings, service: Service) -> str:
        """A new container, through its gates; why not, if so."""
        self._up = ""
        stack = replace(self._role.stack, services=(service,))
        up.get_images(self._docker, [service], config)
        facts = heal_act.preflight(self._docker, stack, [service.name], config)
        if obstacle := heal_act.unfit(facts):
            raise StackError(obstacle, fix="stackctl verify")
        found = run(CHECKS, facts, Phase.PREFLIGHT)
        if bad := [f for f in _errors(found) if concerns(f, service, facts)]:
            return _told(bad[0])
        placement = heal_act.place(facts, config)
        mine = placement.gpus.get(service.name, ())
        with terminal.board() as board:
            board.set(service.name, "creating")
            old = {container.id for container in self._containers()}
            self._create(config)
            if mine:
                heal_act.wait_for_memory(service, [gpu.index for gpu in mine], old)
            new = self._containers()
            if not new:
                return "its container was not created"
            board.set(service.name, "starting")
            self._docker.start(new[0].id)
            result = gates.pass_all(self._docker, new[0].id, self._patience, board, Event())
        bad = _errors(result.findings)
        if bad:
            # it would be started again and again, and hold its GPUs
            self._docker.stop(new[0].id)
        return _told(bad[0]) if bad else ""

    def _create(self, config: Settings) -> None:
        words = ("up", "--no-start", "--no-deps", "--force-recreate", "--pull", "never")
        override = _override(config)
        argv = compose.argv(
            config.compose_file,
            config.env_files,
            *words,
            self._role.service.name,
            override=str(override) if override.is_file() else "",
        )
        result = process.run(argv, env=config.environ, timeout=_CREATING)
        if result.code != 0:
            raise compose.explain(result.err)

    def _check_written(self) -> None:
        """What runs has to be what the env files say: nothing else could come back."""
        config, name = self._role.config, self._role.service.name
        facts = heal_act.preflight(self._docker, self._role.stack, [name], config)
        if obstacle := heal_act.unfit(facts):
            raise StackError(obstacle, fix="stackctl verify")
        heal_act.place(facts, config)
        argv = compose.argv(
            config.compose_file,
            config.env_files,
            *("config", "--hash", name),
            override=str(_override(config)),
        )
        written = process.run(argv, env=config.environ).out.split()[-1:]
        label = '{{index .Config.Labels "com.docker.compose.config-hash"}}'
        ids = [container.id for container in self._containers()]
        running = process.run(["docker", "inspect", "--format", label, *ids]).out.split()
        if set(written) != set(running):
            raise StackError(
                f"{name} runs with other settings than its files have now",
                fix=f"take them: stackctl up {name}; or undo what was changed; then try again",
            )

    def _containers(self) -> list[Container]:
        pairs = self._docker.services(self._role.stack.project)
        return [container for s, container in pairs if s.name == self._role.service.name]

    def _state(self) -> str:
        there = self._containers()
        if not there:
            return ABSENT
        return RUNNING if any(container.running for container in there) else STOPPED

    def _traffic(self) -> Traffic:
        config = self._role.config
        pairs = self._docker.services()
        backend = backend_of(config, self._role.service, pairs)
        return Traffic(apply.Place(config.root), backend)

    def _away(self) -> None:
        """No client gets to a candidate: other replicas answer, or an error at once."""
        name = self._role.service.name
        for container in self._containers():
            traffic = self._traffic()
            with terminal.board() as board:
                board.set(name, "no more requests of clients")
                traffic.empty(container.name, _DRAIN, lambda w: board.set(name, w), others=True)
            traffic.release()


def _override(config: Settings) -> Path:
    """What heal_act.place writes."""
    return config.state / "healing.yaml"


@contextmanager
def _hangups() -> Iterator[None]:
    """A terminal that goes, or `kill`, ends a tuning of hours as Ctrl-C does: in order."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _measured(candidate: Candidate, load: Load) -> Result:
    began = time.time()
    (aim,) = aims.services([candidate.service.name], candidate.stack.project)
    patience = requests.Patience(_SILENT)
    dialect, scale = measure.greet(aim, _SEED, patience)
    levels = load.concurrency
    shape = Shape(load.input, load.output, load.warm_up, load.requests, levels[-1], levels)
    run = measure.measure(
        aim,
        shape,
        dialect,
        scale.words(load.input),
        seed=_SEED,
        patience=patience,
        seconds=_STEP,
        price=None,
        say=terminal.err,
    )
    return Result(
        id=candidate.key,
        at=began,
        stackctl=__version__,
        seed=_SEED,
        prompt_tokens=load.input,
        output_tokens=load.output,
        price=None,
        currency="",
        runs=(run,),
    )


def _errors(found: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in found if finding.severity is Severity.ERROR]


def _told(finding: Finding) -> str:
    """A finding on one line."""
    # of an unknown failure the lines around it as well
    evidence = " | ".join(line.strip() for line in finding.evidence.splitlines() if line.strip())
    said = f" ({evidence})" if evidence else ""
    cause = f"; {finding.cause}" if finding.cause else ""
    return f"{finding.summary}{said}{cause}  [{finding.check}]"
