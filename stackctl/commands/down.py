"""`stackctl down` and `stackctl logs`: Compose does it, by the project the containers name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stackctl import compose, settings
from stackctl.commands import wanted
from stackctl.commands.gateway import apply
from stackctl.commands.gateway.apply import Pairs
from stackctl.commands.plan import select
from stackctl.model import StackError
from stackctl.system import files, process, terminal
from stackctl.system.docker import Docker


def down(roles: Sequence[str], *, project: str | None, dry_run: bool) -> int:
    """Stop and remove containers (and, without `roles`, the network). Models stay, and without a
    project that is named, what other clones have brought up."""
    docker = Docker()
    pairs = _ours(docker, project)
    lost = _lost(pairs, project)
    # what has no container any more cannot be removed; that it is to be none is remembered
    left = [role for role in roles if role not in {name for _, name in lost}]
    found = _projects(pairs, left) if left or not roles else {}
    if not dry_run:
        _forget(lost, roles)
    if not found:
        terminal.out("nothing to do: no container of the stack exists")
        return 0
    commands = [
        ["docker", "compose", "-p", name, *(("rm", "-sf", *names) if roles else ("down",))]
        for name, names in found.items()
    ]
    if dry_run:
        for command in commands:
            terminal.out(" ".join(command))
        return 0
    with files.lock(state() / "lock", "down"):
        for name, names in found.items():
            wanted.remove(state(), name, names if roles else ())
        for command in commands:
            result = process.run(command, timeout=300)
            if result.code != 0:
                raise compose.explain(result.err)
        if roles:
            apply.refresh(settings.find_root(), docker)
    for names in found.values():
        terminal.out(f"removed: {', '.join(names)}")
    return 0


def logs(roles: Sequence[str], *, project: str | None, follow: bool, tail: int) -> int:
    """Pass the engines' logs through."""
    found = _projects(Docker().services(settings.chosen_project(project)), roles)
    if not found:
        raise StackError("no container of the stack exists", fix="make up")
    code = 0
    for name, names in found.items():
        argv = ["docker", "compose", "-p", name, "logs", "--tail", str(tail)]
        code = process.passthrough([*argv, *(["-f"] if follow else []), *names]) or code
    return code


def state() -> Path:
    """Where the lock lies: beside the clone."""
    return settings.find_root() / ".stackctl"


def _ours(docker: Docker, project: str | None) -> Pairs:
    """Of the project that is named; else those that Compose made of this clone's files."""
    if named := settings.chosen_project(project):
        return docker.services(named)
    mine = docker.services(folder=settings.find_root() / "compose")
    projects = {container.project for _, container in mine}
    for other in sorted({c.project for _, c in docker.services() if c.project} - projects):
        terminal.err(
            f"left alone: {other}, which was not brought up from here (stackctl down --project "
            f"{other})"
        )
    return mine


def _lost(pairs: Pairs, project: str | None) -> list[wanted.Name]:
    """What is to run, and has no container."""
    there = {(container.project, service.name) for service, container in pairs}
    named = settings.chosen_project(project)
    return [name for name in wanted.load(state(), named) if name not in there]


def _forget(lost: Sequence[wanted.Name], roles: Sequence[str]) -> None:
    for project, name in lost:
        if not roles or name in roles:
            wanted.remove(state(), project, [name])
            terminal.out(f"{name} has no container; it is no longer missed")


def _projects(pairs: Pairs, roles: Sequence[str]) -> dict[str, list[str]]:
    """Compose project -> its services that are meant."""
    chosen = select([service for service, _ in pairs], roles)
    found: dict[str, list[str]] = {}
    for service, container in pairs:
        if service in chosen and container.project:
            found.setdefault(container.project, []).append(service.name)
    return found
