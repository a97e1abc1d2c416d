"""Health checks: there is one, and its program is in the image."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from stackctl.lint.issue import Issue
from stackctl.lint.rules.base import WARNING, Rule, each, issue
from stackctl.lint.service import Service, number
from stackctl.lint.tables.images import PORTS, lookup

#: words of a shell's line that are no program of their own
_NOT_PROGRAMS = frozenset({"CMD", "CMD-SHELL", "||", "&&", "if", "then", "!", "exec", "timeout"})


def _check(service: Service) -> dict[str, Any] | None:
    """A health check that the image can do; None when nobody knows what it has."""
    found = lookup(service.image.text) if service.image else None
    if not found or not found.health:
        return None
    command = found.health.replace("{port}", str(_port(service)))
    return {
        "test": ["CMD-SHELL", command],
        "interval": "30s",
        "timeout": "10s",
        "retries": 3,
        "start_period": "30m",
    }


def _port(service: Service) -> int:
    call = service.invocation
    flag = call.named("--port") if call else None
    host = service.env.get("OLLAMA_HOST")
    given = number(flag.value) if flag else number(host.text.rpartition(":")[2]) if host else None
    return given or PORTS.get(service.engine, 8000)


def _missing(service: Service) -> Iterable[Issue]:
    if not service.engine or not service.container or service.passing or service.built:
        return
    found = lookup(service.image.text) if service.image else None
    off = service.health is not None and service.health.off
    if (service.health and not off) or (found and found.checks_itself and not off):
        return
    check = _check(service)
    yield issue(
        "health.missing",
        service,
        "its health check is switched off" if off else "it has no health check",
        "a hung engine stays `Up` for ever, and nothing waits for it to be ready",
        severity=WARNING,
        edits=service.editor.set_key("healthcheck", check) if check and not off else None,
        advice='healthcheck:\n  test: ["CMD-SHELL", "…"]',
    )


def _program(service: Service) -> Iterable[Issue]:
    found = lookup(service.image.text) if service.image else None
    if not found or not service.health or service.health.off or service.built:
        return
    words = re.split(r"[\s|&;()]+", " ".join(service.health.words))
    programs = [w.rpartition("/")[2] for w in words if w and w not in _NOT_PROGRAMS]
    lacking = next((p for p in programs if p in found.lacks), "")
    # `command -v curl || …` asks first
    if not lacking or "command" in programs or "which" in programs:
        return
    check = _check(service)
    yield issue(
        "health.program",
        service,
        f"the health check calls {lacking}, which the image does not have",
        f"the container stays unhealthy for ever ({found.source})",
        span=service.health.value.span,
        advice=f'test: ["CMD-SHELL", "{check["test"][1]}"]' if check else "",
    )


RULES = (
    Rule("health.missing", "engines have a health check", each(_missing)),
    Rule("health.program", "the image has the health check's program", each(_program)),
)
