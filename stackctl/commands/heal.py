"""`stackctl heal`, `verify --heal`: mend what a new container mends, and say why not the rest.

Never while another stackctl changes the stack, never more often than the circuit breaker allows,
and never after one look alone: in between somebody else may have mended it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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
from stackctl.model import Facts, Phase, Severity, Stack, StackError
from stackctl.settings import Settings
from stackctl.system import files, terminal
from stackctl.system.docker import Docker

#: what a run of the timer waits for one service: the next run sees whether it came up
_SHORT = Patience(120, 120)
_LONG = Patience(1800, 300)
#: seconds between two looks at what may be a blip, where no run before this one has seen it
_AGAIN = 10.0
_DID = {Action.RECREATE: "recreated", Action.LOAD: "loaded its model"}


def command(
    roles: Sequence[str],
    *,
    dry_run: bool = False,
    again: bool = False,
    patience: Patience = _LONG,
) -> int:
    """Look, heal, look again. 1 if something stays broken."""
    if again and not roles:
        raise StackError("--again needs a role", fix="stackctl heal ROLE --again", exit_code=2)
    seen = look(roles, None)
    if again and not dry_run:
        _reset(seen, roles)
    if heal(seen, lambda: look(roles, None), dry_run=dry_run, patience=patience):
        seen = look(roles, None)
        terminal.out("")
    if dry_run:
        return 1 if seen.failed else 0
    return tell(seen)


def heal(
    seen: Look,
    again: Callable[[], Look],
    *,
    watching: bool = False,
    dry_run: bool = False,
    patience: Patience | None = None,
) -> bool:
    """Whether anything may have changed. `watching`: only what the history calls an incident."""
    if not seen.failed:
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
    steps = _steps(seen, stack)
    if watching:
        steps = _known(steps, folder)
    for step in steps:
        if not step.acts:
            _leaves(step.subject, step.why)
        elif dry_run:
            terminal.out(f"would {step.action} {step.subject}: {step.why}")
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
    steps = tuple(s for s in steps if _may_come_up(s, facts, docker) and _allowed(s, folder))
    if not steps:
        return
    results = heal_act.mend(docker, steps, stack, config, facts, patience)
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
        why = "three attempts within an hour did not help; fix: mend it, then: stackctl heal "
        _leaves(step.subject, f"{why}{step.service} --again")
    except StackError as error:
        _leaves(step.subject, f"attempts cannot be counted, so none is made: {error.message}")
    return False


def _reset(seen: Look, roles: Sequence[str]) -> None:
    folder = settings.recording(settings.find_root()).folder
    subjects = {o.service.name: o.service.role for o in seen.facts.observed}
    subjects |= {name: name for name in seen.facts.wanted if name not in subjects}
    for subject, role in subjects.items():
        try:
            healing.reset(folder, subject)
        except StackError as error:
            if error.exit_code != 2:  # it was not off, then there is nothing to do
                raise
        terminal.out(f"{role}: attempts are counted from zero again")


def _leaves(subject: str, why: str) -> None:
    terminal.out(f"{subject}: not healed: {why}")
