"""The linter of compose files and engine commands. Pure: texts in, issues and edits out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from stackctl.lint import run_command
from stackctl.lint.fix import fix
from stackctl.lint.issue import Issue, Known, Source, Verdict
from stackctl.lint.project import Project, Reader, load
from stackctl.lint.rules import RULES
from stackctl.lint.service import Service

__all__ = [
    "RULES",
    "Issue",
    "Known",
    "Project",
    "Reader",
    "Service",
    "Source",
    "Verdict",
    "examine",
    "fix",
    "load",
    "load_command",
    "vllm_arguments",
]


def load_command(text: str) -> Project:
    """One command line as a project of one service."""
    source = Source("command", text)
    return Project((run_command.parse(source),), (source,))


def examine(project: Project, known: Known, active: frozenset[str] | None = None) -> list[Issue]:
    """Every issue. `active` are the profiles that are chosen; None when nobody chose."""
    services = chosen(project.services, active)
    found = [issue for rule in RULES for issue in rule.examine(services, known)]
    order = {source.name: index for index, source in enumerate(project.sources)}
    return sorted(_once(found), key=lambda i: (order.get(i.span.source.name, 0), i.span.start))


def chosen(services: Sequence[Service], active: frozenset[str] | None) -> list[Service]:
    """The services that run. Those of the chosen profiles run together."""
    if active is None:
        return list(services)
    return [
        replace(service, profiles=frozenset())
        for service in services
        if not service.profiles or service.profiles & active
    ]


def vllm_arguments(services: Iterable[Service]) -> Mapping[str, tuple[str, list[str]]]:
    """Service -> its image and vLLM's arguments, for vLLM's own parser."""
    return {
        service.name: (service.image.text if service.image else "", [*service.invocation.arguments])
        for service in services
        if service.invocation and service.invocation.engine == "vllm"
    }


def _once(issues: Iterable[Issue]) -> list[Issue]:
    """What several services have from one shared place is told once for each, no more."""
    return list({(i.key, i.span.source.name, i.span.start): i for i in issues}.values())
