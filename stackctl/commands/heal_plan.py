"""Findings -> what a healer does about each service, and why; and what it leaves alone. Pure.

A new container mends what is wrong with the old one: device rules that were taken from it, a GPU
that it did not get, an engine that hangs. It mends no driver, no card, no disk and no setting.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from stackctl.model import Facts, Finding, Observed, Service, Severity, Unavailable
from stackctl.model.gpu import Driver


class Action(StrEnum):
    RECREATE = "recreate"
    LOAD = "load"  # the container is fine, its model was unloaded
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done about one subject. `service` is its name in Compose, if it is one."""

    subject: str
    action: Action
    why: str
    checks: tuple[str, ...] = ()
    service: str = ""
    unsure: bool = False  # one look may be wrong: an engine that is busy looks like one that hangs

    @property
    def acts(self) -> bool:
        return self.action is not Action.LEAVE


@dataclass(frozen=True, slots=True)
class _Word:
    """What one finding means for its service. A ban outdoes every cure."""

    action: Action
    why: str
    unsure: bool = False
    ban: bool = False


#: findings about the whole box that keep every service from coming up again
_BOX = frozenset({"docker.daemon", "docker.compose", "host.disk"})
_OF_GPU = frozenset({"gpu.health", "gpu.xid", "gpu.room"})
#: what the catalogue calls the failures of nvidia-smi inside that a new container is free of
_INSIDE = {
    "gpu-lost-cgroup": "the container lost its device permissions",
    "no-utility": "the container was created without the driver's libraries",
    "no-devices": "its GPUs are not in the container any more",
}
#: a service is named in words of its own where no check knows better
_SETTINGS = "what is wrong is in its settings or files, not in its container"


def plan(
    findings: Sequence[Finding], facts: Facts, planned: Mapping[str, Service], project: str
) -> tuple[Step, ...]:
    """One step per subject with an error, those that act in the order of dependence.

    `planned` is this clone's stack as Compose resolves it, by name.
    """
    errors = [f for f in findings if f.severity is Severity.ERROR]
    seen = {o.service.name: o for o in facts.observed}
    subjects = dict.fromkeys(f.subject for f in errors)
    steps = []
    for subject in subjects:
        mine = [f for f in errors if f.subject == subject]
        if subject not in seen and subject not in facts.wanted:
            steps.append(_leave(subject, mine, f"hands off: {_fix(mine[0])}"))
            continue
        o = seen.get(subject)
        prefix, _, name = subject.rpartition("/")
        of = o.container.project if o else prefix or project
        if of != project:
            steps.append(_leave(subject, mine, f"it belongs to another clone (project {of})"))
        elif name not in planned:
            steps.append(_leave(subject, mine, "it is no role of this clone any more"))
        else:
            steps.append(_step(subject, mine, o, planned[name], errors, facts))
    return _in_order(_held_up(steps, planned), planned)


def concerns(finding: Finding, service: Service, facts: Facts) -> bool:
    """Whether an error keeps a service from coming up: its own, its GPUs', the box's."""
    return finding.subject == service.name or _holds(finding, service, facts)


def _holds(finding: Finding, service: Service, facts: Facts) -> bool:
    """Whether something that is not the service's own keeps it from coming up."""
    return finding.check in _BOX or (service.gpus.wanted and _of_gpus(finding, service, facts))


def _step(
    subject: str,
    mine: Sequence[Finding],
    o: Observed | None,
    service: Service,
    errors: Sequence[Finding],
    facts: Facts,
) -> Step:
    own = {f.check for f in mine}
    for finding in errors:
        # what a service itself has is told in its own words, not by a neighbour's
        if finding.check not in own and _holds(finding, service, facts):
            text = f"{finding.subject}: {finding.summary}"
            return _leave(subject, mine, f"no container helps while this is so: {text}", service)
    words = [_word(f, o) for f in mine]
    if ban := next((w for w in words if w.ban), None):
        return _leave(subject, mine, ban.why, service)
    cures = [w for w in words if w.action is not Action.LEAVE]
    if not cures:
        return _leave(subject, mine, words[0].why, service)
    action = Action.RECREATE if any(w.action is Action.RECREATE for w in cures) else Action.LOAD
    why = "; ".join(dict.fromkeys(w.why for w in cures))
    checks = tuple(dict.fromkeys(f.check for f in mine))
    return Step(subject, action, why, checks, service.name, all(w.unsure for w in cures))


def _word(f: Finding, o: Observed | None) -> _Word:
    if f.check.startswith("model."):
        return _Word(Action.LEAVE, f"{f.summary}; a new container could not load it", ban=True)
    if f.check == "service.there":
        return _Word(Action.RECREATE, "it has no container")
    if o is None:
        return _Word(Action.LEAVE, _fix(f))
    match f.check:
        case "service.running":
            return _running(f, o)
        case "service.ready":
            return _Word(Action.RECREATE, f"its engine hangs: {f.summary}", unsure=True)
        case "service.answer":
            return _Word(Action.RECREATE, "its engine gives no answer", unsure=True)
        case "gpu.inside":
            return _inside(f, o)
        case "gpu.cuda":
            return _cuda(f)
        case "gpu.assigned" if f.values.get("missing"):
            return _Word(Action.RECREATE, "a device is not in the container any more")
        case "gpu.exists" if not f.values.get("missing"):
            return _Word(Action.RECREATE, "its container was created without a GPU", unsure=True)
        case "gpu.exists":
            return _Word(Action.LEAVE, f"{f.summary}: {_fix(f)}", ban=True)
        case "engine.on-gpu":
            return _on_gpu(f, o)
        case _:
            return _Word(Action.LEAVE, f"{_SETTINGS}: {_fix(f)}")


def _running(f: Finding, o: Observed) -> _Word:
    match o.container.state:
        case "restarting":
            return _Word(Action.LEAVE, "Docker is starting it again itself", ban=True)
        case "paused":
            return _Word(Action.LEAVE, "somebody has paused it: docker unpause", ban=True)
        case "removing":
            return _Word(Action.LEAVE, "somebody is removing it", ban=True)
        case "running":
            why = "it ends again and again, and Docker starts it each time"
            return _Word(Action.LEAVE, f"{why}: {_fix(f)}")
        case _:
            return _Word(Action.RECREATE, f"its container {f.summary}")


def _inside(f: Finding, o: Observed) -> _Word:
    failure, inside = f.values.get("failure", ""), o.inside
    if failure in _INSIDE:
        return _Word(Action.RECREATE, _INSIDE[failure])
    if failure:
        return _Word(Action.LEAVE, f"{f.cause}: {_fix(f)}", ban=True)
    if isinstance(inside, Unavailable) and inside.code in ("ended", "exec", "hung"):
        return _Word(Action.LEAVE, f"nobody could look into it: {inside.reason}", ban=True)
    return _Word(Action.RECREATE, "its GPU does not work inside the container", unsure=True)


def _cuda(f: Finding) -> _Word:
    """The check has found out whose fault it is; without a sign that a new container would be
    better, the old one is left as it is: its model may be computing still."""
    match f.values.get("cure"):
        case "container":
            return _Word(Action.RECREATE, f"CUDA fails in it, as {f.cause}")
        case "try":
            return _Word(
                Action.RECREATE, "CUDA fails in it, and works elsewhere on this box", unsure=True
            )
        case _:
            return _Word(Action.LEAVE, f"{f.cause}: {_fix(f)}", ban=True)


def _on_gpu(f: Finding, o: Observed) -> _Word:
    if isinstance(o.proof, Unavailable) and o.proof.code == "not-loaded":
        return _Word(Action.LOAD, "its model is not loaded")
    layers, device = f.values.get("layers"), f.values.get("device_mib")
    partly = layers is not None and layers[0] < layers[1]
    if partly or device == 0 or "held_mib" in f.values:
        return _Word(Action.RECREATE, f"its engine {f.summary}", unsure=True)
    # missing proof is no proof of the contrary, and what overflows does so again
    return _Word(Action.LEAVE, f"a new container would do the same: {_fix(f)}")


def _held_up(steps: Sequence[Step], planned: Mapping[str, Service]) -> list[Step]:
    """Without those that need what stays broken."""
    broken = {s.service for s in steps if s.service and not s.acts}
    left = list(steps)
    while True:
        after = [_waits(step, broken, planned) for step in left]
        if after == left:
            return after
        broken |= {s.service for s in after if s.service and not s.acts}
        left = after


def _waits(step: Step, broken: Collection[str], planned: Mapping[str, Service]) -> Step:
    needs = planned[step.service].depends_on if step.acts else ()
    lacking = [name for name in needs if name in broken]
    if not lacking:
        return step
    return replace(step, action=Action.LEAVE, why=f"it needs {lacking[0]}, which stays broken")


def _in_order(steps: Iterable[Step], planned: Mapping[str, Service]) -> tuple[Step, ...]:
    """Those that act, each after those it needs; then what is left alone."""
    by_name = {s.service: s for s in steps if s.acts}
    ordered: dict[str, Step] = {}

    def visit(step: Step) -> None:
        for name in planned[step.service].depends_on:
            if name in by_name and name not in ordered:
                visit(by_name[name])
        ordered[step.service] = step

    for step in by_name.values():
        visit(step)
    return (*ordered.values(), *(s for s in steps if not s.acts))


def _of_gpus(finding: Finding, service: Service, facts: Facts) -> bool:
    if finding.check == "gpu.driver":
        return True
    if finding.check == "gpu.cuda":
        return finding.values.get("cure") == "host"
    gpus = facts.driver.gpus if isinstance(facts.driver, Driver) else ()
    mine = {f"GPU {gpu.index}" for gpu in service.gpus.resolve(gpus)[0]}
    return finding.check in _OF_GPU and finding.subject in mine


def _leave(subject: str, mine: Sequence[Finding], why: str, service: Service | None = None) -> Step:
    checks = tuple(dict.fromkeys(f.check for f in mine))
    return Step(subject, Action.LEAVE, why, checks, service.name if service else "")


def _fix(f: Finding) -> str:
    return f.fix or f.summary
