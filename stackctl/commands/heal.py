"""`stackctl heal`, `verify --heal`: mend what a new container mends, and say why not the rest.

Never while another stackctl changes the stack, never more often than the circuit breaker allows,
and never after one look alone: in between somebody else may have mended it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from stackctl import settings
from stackctl.checks import CHECKS, run
from stackctl.commands import heal_act, healing, plan
from stackctl.commands.gates import Patience
from stackctl.commands.heal_act import Done
from stackctl.commands.heal_plan import Action, Step, concerns
from stackctl.commands.heal_plan import plan as decide
from stackctl.commands.look import Look, look, tell
from stackctl.commands.plan import select
from stackctl.model import Facts, Phase, Severity, Stack, StackError
from stackctl.settings import Settings
from stackctl.system import files, terminal
from stackctl.system.docker import Docker
from stackctl.watch import breaker

#: what a run of the timer waits for one service: the next run sees whether it came up
_SHORT = Patience(120, 120)
_LONG = Patience(1800, 300)
#: seconds between two looks at what may be a blip, where no run before this one has seen it
_AGAIN = 10.0
_DID = {Action.RECREATE: "recreated", Action.LOAD: "loaded its model"}


def command(
    roles: Sequence[str],
    *,
    project: str | None = None,
    answers: bool = False,
    quiet: bool = False,
    dry_run: bool = False,
    again: bool = False,
    patience: Patience = _LONG,
) -> int:
    """Look, heal, look again. 1 if something stays broken."""
    if again and not roles:
        raise StackError("--again needs a role", fix="stackctl heal ROLE --again", exit_code=2)
    # at the whole box, whatever is to be healed: a role may suffer from what another one does
    seen = look((), project, answers=answers)
    names = _named(seen, roles)
    if again and not dry_run:
        _reset(names)
    if heal(seen, lambda: look((), project), only=names, dry_run=dry_run, patience=patience):
        terminal.out("")
    elif dry_run:
        return 1 if seen.failed else 0
    after = look(roles, project, answers=answers)
    given_up = healing.given_up(settings.find_root() / ".stackctl", names)
    return tell(replace(after, findings=(*after.findings, *given_up)), quiet=quiet)


def heal(
    seen: Look,
    again: Callable[[], Look],
    *,
    only: Collection[str] = (),
    watching: bool = False,
    dry_run: bool = False,
    patience: Patience | None = None,
) -> bool:
    """Whether anything may have changed. `watching`: only what the history calls an incident;
    `only` some services, as findings name them."""
    ill = {f.subject for f in seen.findings if f.severity is Severity.ERROR}
    if not ill or (only and ill.isdisjoint(only)):
        if not watching:
            terminal.out("nothing to heal")
        return False
    try:
        config = plan.load()
        stack = plan.resolve(config)
    except StackError as error:
        _leaves("everything", error.message + (f"; fix: {error.fix}" if error.fix else ""))
        return False
    folder = settings.recording(config.root).folder
    steps = tuple(s for s in _steps(seen, stack) if not only or s.subject in only)
    if watching:
        steps = _known(steps, folder)
    for step in steps:
        if not step.acts:
            _leaves(step.subject, step.why)
        elif dry_run:
            _would(step, folder)
    steps = tuple(step for step in steps if step.acts)
    if not steps or dry_run:
        return False
    try:
        with files.lock(config.state / "lock", "heal"):
            if not watching and any(step.unsure for step in steps):
                terminal.out(f"looking again in {_AGAIN:.0f} s, as one look may be wrong")
                time.sleep(_AGAIN)
            chosen = {step.subject for step in steps}
            now = tuple(s for s in _steps(again(), stack) if s.acts and s.subject in chosen)
            _act(now, config, stack, folder, patience or (_SHORT if watching else _LONG))
    except files.Busy as error:
        terminal.out(f"{error.message}: nothing is healed meanwhile")
        return False
    return True


def _steps(seen: Look, stack: Stack) -> tuple[Step, ...]:
    planned = {service.name: service for service in stack.services}
    return decide(seen.findings, seen.facts, planned, stack.project)


def _known(steps: Sequence[Step], folder: Path) -> tuple[Step, ...]:
    """Only what was so in the run before as well: the rest may be gone by the next one."""
    try:
        known = {(i.check, i.subject) for i in healing.open_incidents(folder)}
    except StackError as error:
        why = f"its history cannot be read: {error.message}"
        return tuple(replace(s, action=Action.LEAVE, why=why) for s in steps)
    why = "seen for the first time; it is healed by the next run, if it is still so"
    return tuple(
        s
        if not s.acts or any((check, s.subject) in known for check in s.checks)
        else replace(s, action=Action.LEAVE, why=why)
        for s in steps
    )


def _act(
    steps: Sequence[Step], config: Settings, stack: Stack, folder: Path, patience: Patience
) -> None:
    """Under the lock, with what a second look has confirmed."""
    docker = Docker()
    facts = heal_act.preflight(docker, stack, [s.service for s in steps], config)
    if obstacle := heal_act.unfit(facts):
        _leaves("everything", obstacle)
        return
    steps = tuple(s for s in steps if _may_come_up(s, facts, docker))
    try:
        # before an attempt is counted: a full disk is none of the service's faults
        placement = heal_act.place(facts, config)
    except StackError as error:
        _leaves("everything", f"{error.message}; fix: {error.fix}")
        return
    steps = tuple(s for s in steps if _allowed(s, folder))
    if not steps:
        return
    results = heal_act.mend(docker, steps, stack, config, facts, placement, patience)
    for step in steps:
        done = results[step.subject]
        text = f"{_DID[step.action]}, as {step.why}"
        if done.word is Done.FAILED:
            text = f"tried: {step.why}; but {done.why}"
        elif done.word is Done.LOADING:
            text += "; it still loads"
        terminal.out(f"{step.subject}: {text}")
        try:
            healing.note(folder, step.subject, text, time.time())
        except StackError as error:
            terminal.out(f"{step.subject}: this cannot be remembered: {error.message}")


def _may_come_up(step: Step, facts: Facts, docker: Docker) -> bool:
    """Whether a new container passes what `up` asks first; else the old one stays as it is."""
    service = next(s for s in facts.planned if s.name == step.service)
    for finding in run(CHECKS, facts, Phase.PREFLIGHT):
        if finding.severity is Severity.ERROR and concerns(finding, service, facts):
            fix = f"; fix: {finding.fix}" if finding.fix else ""
            _leaves(step.subject, f"{step.why}, but {finding.summary} [{finding.check}]{fix}")
            return False
    if not docker.image_exists(service.image):
        _leaves(step.subject, f"{step.why}, but its image is gone; fix: stackctl up {service.name}")
        return False
    return True


def _allowed(step: Step, folder: Path) -> bool:
    """Whether the circuit breaker lets us; the attempt is counted before it begins."""
    try:
        if healing.attempt(folder, step.subject, time.time()):
            return True
        _leaves(step.subject, _given_up(step))
    except StackError as error:
        _leaves(step.subject, f"attempts cannot be counted, so none is made: {error.message}")
    return False


def _would(step: Step, folder: Path) -> None:
    """What a run that is no dry one would begin with."""
    if healing.may(folder, step.subject, time.time()):
        terminal.out(f"would {step.action} {step.subject}: {step.why}")
    else:
        _leaves(step.subject, _given_up(step))


def _given_up(step: Step) -> str:
    why = "three attempts within an hour did not help"
    return f"{step.why}, but {why}; fix: mend it, then: {breaker.again(step.subject)}"


def _named(seen: Look, roles: Sequence[str]) -> tuple[str, ...]:
    """The services that the user named, as findings name them; one without a container too."""
    lost = [n for n in seen.facts.wanted if n not in {o.service.name for o in seen.facts.observed}]
    mine = [name for name in lost if name.rpartition("/")[2] in roles]
    others = [role for role in roles if role not in {name.rpartition("/")[2] for name in lost}]
    chosen = select([o.service for o in seen.facts.observed], others) if others else ()
    return (*mine, *(service.name for service in chosen))


def _reset(names: Sequence[str]) -> None:
    folder = settings.recording(settings.find_root()).folder
    for name in names:
        try:
            healing.reset(folder, name)
        except StackError as error:
            if error.exit_code != 2:  # it was not off, then there is nothing to do
                raise
        terminal.out(f"{name}: attempts are counted from zero again")


def _leaves(subject: str, why: str) -> None:
    terminal.out(f"{subject}: not healed: {why}")
