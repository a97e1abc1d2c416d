"""What has nothing to do with models, and takes boxes down all the same."""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.lint.issue import Issue
from stackctl.lint.rules.base import WARNING, Rule, each, issue
from stackctl.lint.service import Service

#: drivers that keep everything unless told: https://docs.docker.com/engine/logging/configure/
_GROWING = frozenset({"", "json-file"})
_ROTATION = {"driver": "json-file", "options": {"max-size": "20m", "max-file": "3"}}


def _privileged(service: Service) -> Iterable[Issue]:
    if service.privileged is None:
        return
    yield issue(
        "service.privileged",
        service,
        "it is privileged",
        "it sees every GPU whatever it was given, and whoever takes it over owns the machine",
        span=service.privileged.span,
        edits=service.editor.remove_key("privileged"),
        advice="take `privileged` out; a device request is all that a GPU needs",
    )


def _logs(service: Service) -> Iterable[Issue]:
    if not service.container or service.passing or service.log_driver not in _GROWING:
        return
    if "max-size" in service.log_options:
        return
    yield issue(
        "service.logs",
        service,
        "its log grows without end",
        "Docker's default rotates nothing; an engine's access log fills a disk in weeks",
        severity=WARNING,
        edits=service.editor.set_key("logging", _ROTATION)
        if not service.log_driver and not service.log_options
        else None,
        advice="logging:\n  driver: json-file\n  options: {max-size: 20m, max-file: '3'}",
    )


RULES = (
    Rule("service.privileged", "no container is privileged", each(_privileged)),
    Rule("service.logs", "logs are rotated", each(_logs)),
)
