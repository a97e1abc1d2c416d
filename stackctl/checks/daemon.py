"""The Docker daemon and Compose: without them nothing else can be judged."""

from __future__ import annotations

from collections.abc import Iterable

from stackctl.model import Check, Facts, Finding, Phase, Severity, Unavailable

#: older daemons know no CDI by default, older Compose no `!override`
ENGINE_MINIMUM = (28, 2)
COMPOSE_MINIMUM = (2, 24, 4)


def version(text: str) -> tuple[int, ...]:
    """`v2.40.3+dfsg` -> (2, 40, 3); () if it is no version."""
    numbers = text.lstrip("v").split("-")[0].split("+")[0].split(".")
    return tuple(int(n) for n in numbers) if all(n.isdecimal() for n in numbers) else ()


def daemon_answers(facts: Facts) -> Iterable[Finding]:
    daemon = facts.daemon
    if isinstance(daemon, Unavailable):
        yield Finding(
            "docker.daemon",
            Severity.ERROR,
            "docker",
            daemon.reason,
            fix=daemon.code or "make setup",
        )
    elif version(daemon.version) < ENGINE_MINIMUM:
        yield Finding(
            "docker.daemon",
            Severity.ERROR,
            "docker",
            f"Docker Engine {daemon.version} is too old",
            cause="before 28.2 the engine does not give GPUs by CDI, the way that survives a "
            "reload of systemd",
            fix="make setup",
        )
    else:
        yield Finding("docker.daemon", Severity.OK, "docker", f"Docker Engine {daemon.version}")


def compose_version(facts: Facts) -> Iterable[Finding]:
    if isinstance(facts.compose, Unavailable):
        yield Finding(
            "docker.compose", Severity.ERROR, "docker", facts.compose.reason, fix="make setup"
        )
    elif version(facts.compose) < COMPOSE_MINIMUM:
        yield Finding(
            "docker.compose",
            Severity.ERROR,
            "docker",
            f"Docker Compose {facts.compose} is too old",
            cause="before 2.24.4 an override cannot replace a list of GPUs",
            fix="make setup",
        )
    else:
        yield Finding("docker.compose", Severity.OK, "docker", f"Compose {facts.compose}")


CHECKS = (
    Check("docker.daemon", "The Docker daemon answers", Phase.BOTH, daemon_answers),
    Check("docker.compose", "Docker Compose is new enough", Phase.PREFLIGHT, compose_version),
)
