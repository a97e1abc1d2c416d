"""Every rule of the linter, one family a file, in the order in which they are told."""

from __future__ import annotations

from stackctl.lint.rules import (
    command,
    context,
    flags,
    gpu,
    health,
    hygiene,
    image,
    mount,
    network,
    parallel,
    request,
    sharing,
    tools,
    variables,
)
from stackctl.lint.rules.base import Rule

RULES: tuple[Rule, ...] = (
    *command.RULES,
    *gpu.RULES,
    *request.RULES,
    *sharing.RULES,
    *parallel.RULES,
    *variables.RULES,
    *flags.RULES,
    *context.RULES,
    *tools.RULES,
    *mount.RULES,
    *network.RULES,
    *image.RULES,
    *health.RULES,
    *hygiene.RULES,
)
