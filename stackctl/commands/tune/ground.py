"""A role, its space of settings, and what each choice of them makes of its service."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from stackctl import compose
from stackctl.commands import lint, plan
from stackctl.engines import ENGINES
from stackctl.model import Service, Stack, StackError
from stackctl.settings import Settings
from stackctl.system import files
from stackctl.tune import overlay, space
from stackctl.tune.overlay import Current
from stackctl.tune.space import Choice, Space


@dataclass(frozen=True, slots=True)
class Candidate:
    """A choice, and the stack with it.

    `values` are what an env file has to say for it; `skipped` are settings that its engine does not
    have; `key` stands for the service as Compose has it, and for the load.
    """

    choice: Choice
    label: str
    values: Mapping[str, str]
    skipped: tuple[str, ...]
    config: Settings
    stack: Stack
    service: Service
    key: str


@dataclass(frozen=True, slots=True)
class Role:
    """What the owner has: settings, stack, the service that is to be tuned."""

    config: Settings
    stack: Stack
    service: Service

    @property
    def folder(self) -> Path:
        """Where all that is kept of its tuning lies."""
        return self.config.state / "tune" / self.service.name


def load_role(name: str) -> Role:
    """Raises StackError (usage) for a role that is none, or has no tokens to be measured."""
    config = plan.load()
    stack = plan.resolve(config)
    (service,) = plan.select(stack.services, [name])
    if service.engine not in ENGINES or ENGINES[service.engine].api != "text":
        raise StackError(
            f"{name} answers no chats, so there are no tokens to be measured",
            fix="stackctl tune main",
            exit_code=2,
        )
    return Role(config, stack, service)


@dataclass(frozen=True, slots=True)
class Ground:
    """A role and the space that is searched. `box`: what else the figures depend on."""

    role: Role
    space: Space
    current: Current
    box: str

    def candidate(self, choice: Choice) -> Candidate:
        """Raises StackError where Compose refuses it."""
        role = self.role
        laid = overlay.overlay(self.current, choice, self.space.engines)
        config = replace(
            role.config,
            values={**role.config.values, **laid.values},
            # what Compose finds in the environment wins over env files
            environ={**role.config.environ, **laid.values},
        )
        text = plan.rendered(config)
        stack = compose.parse(text)
        (service,) = (s for s in stack.services if s.name == role.service.name)
        said = [json.loads(text)["services"][service.name], asdict(self.space.load), self.box]
        key = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
        label = overlay.label(choice)
        return Candidate(choice, label, laid.values, laid.skipped, config, stack, service, key)

    def refusal(self, candidate: Candidate) -> str:
        """Why it must not be started; empty if it may be."""
        load, context = self.space.load, candidate.service.context
        if context is not None and load.input + load.output > context:
            return f"a context of {context} tokens, and the load has {load.input + load.output}"
        return "; ".join(lint.errors(candidate.config, candidate.service.name))


def load(role: Role, named: str, box: str) -> Ground:
    """With the space of this file, or the one that is shipped for the role."""
    config, service = role.config, role.service
    path = Path(named) if named else config.root / "env" / "tune" / f"{service.name}.toml"
    if not path.is_file() and not named:
        there = ", ".join(sorted(p.stem for p in path.parent.glob("*.toml"))) or "none"
        raise StackError(
            f"there is no space of settings for {service.name}: env/tune has {there}",
            fix=f"write one: docs/tune.md; then: stackctl tune {service.name} --space FILE",
            exit_code=2,
        )
    # `name` as the user would type it
    shown = named or f"env/tune/{path.name}"
    chats = [name for name, engine in ENGINES.items() if engine.api == "text"]
    found = space.parse(files.read(path), shown, chats)
    variable = f"{service.name.upper()}_ARGS"
    # an empty variable in the environment is one as well
    args = config.environ.get(variable, config.values.get(variable, ""))
    gpus = len(service.gpus.ids) or max(1, service.gpus.count)
    current = Current(service.name, service.engine, args, gpus)
    names = [str(v) for s in found.settings if s.name == "engine" for v in s.values]
    if unknown := overlay.missing(current, names, found.engines):
        raise StackError(
            f"{shown}: nobody says what the model is called in {', '.join(unknown)}",
            fix=f'write [engines.{unknown[0]}] with model = "..."',
            exit_code=2,
        )
    return Ground(role, found, current, box)
