"""What should run here: hardware profile, settings, the resolved stack."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stackctl import compose, settings
from stackctl.checks import driver as driver_checks
from stackctl.model import Service, Stack, StackError, Unavailable
from stackctl.placement import SIMULATION, choose_profile
from stackctl.settings import Settings
from stackctl.system import nvml, pci, process


def load() -> Settings:
    """Settings with the hardware profile that the owner named, or that fits this host."""
    root = settings.find_root()
    return settings.load(root, settings.chosen_profile(root) or _fitting_profile(root))


def _fitting_profile(root: Path) -> str:
    cards = pci.nvidia_gpus()
    if not cards:
        return SIMULATION
    driver = nvml.read()
    if isinstance(driver, Unavailable):
        finding = driver_checks.unavailable(driver)
        raise StackError(
            f"{len(cards)} NVIDIA GPU(s) on the PCI bus ({', '.join(cards)}), but "
            f"{finding.summary}" + (f"; {finding.cause}" if finding.cause else ""),
            fix=finding.fix,
        )
    return choose_profile(settings.hardware_profiles(root), driver)


def rendered(config: Settings) -> str:
    """The Compose project with every variable in its place, as JSON. Raises StackError."""
    argv = compose.argv(config.compose_file, config.env_files, "config", "--format", "json")
    result = process.run(argv, env=config.environ)
    if result.code != 0:
        raise compose.explain(result.err)
    return result.out


def resolve(config: Settings) -> Stack:
    """The stack as Compose resolves it."""
    stack = compose.parse(rendered(config))
    if not stack.services:
        raise StackError(
            f"no role is chosen: COMPOSE_PROFILES={config.values.get('COMPOSE_PROFILES', '')}",
            fix="name roles in env/stack.env: COMPOSE_PROFILES=main,coder,audio,image,gateway",
            exit_code=2,
        )
    return stack


def select(services: Sequence[Service], roles: Sequence[str]) -> tuple[Service, ...]:
    """The services that the user named, all if none; an unknown name is a usage error."""
    known = {name for service in services for name in (service.name, service.role)}
    unknown = [role for role in roles if role not in known]
    if unknown:
        raise StackError(
            f"unknown role: {', '.join(unknown)}",
            fix=f"choose from: {', '.join(sorted(s.role for s in services)) or '(none is there)'}",
            exit_code=2,
        )
    return tuple(s for s in services if not roles or s.name in roles or s.role in roles)
