"""`stackctl down` and `stackctl logs`: Compose does it, by the project the containers name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stackctl import compose, settings
from stackctl.commands.plan import select
from stackctl.model import StackError
from stackctl.system import files, process, terminal
from stackctl.system.docker import Docker


def down(roles: Sequence[str], *, project: str | None, dry_run: bool) -> int:
    """Stop and remove containers (and, without `roles`, the network). Models stay."""
    found = _projects(Docker(), roles, project)
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
        for command in commands:
            result = process.run(command, timeout=300)
            if result.code != 0:
                raise compose.explain(result.err)
    for names in found.values():
        terminal.out(f"removed: {', '.join(names)}")
    return 0


def logs(roles: Sequence[str], *, project: str | None, follow: bool, tail: int) -> int:
    """Pass the engines' logs through."""
    found = _projects(Docker(), roles, project)
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


def _projects(docker: Docker, roles: Sequence[str], project: str | None) -> dict[str, list[str]]:
    """Compose project -> its services that are meant."""
    pairs = docker.services(settings.chosen_project(project))
    chosen = select([service for service, _ in pairs], roles)
    found: dict[str, list[str]] = {}
    for service, container in pairs:
        if service in chosen and container.project:
            found.setdefault(container.project, []).append(service.name)
    return found
