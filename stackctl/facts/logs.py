"""What a container's log says: how far its engine is, why it ended, why it gives no answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stackctl.catalogue import CREATE, REQUESTS, UNKNOWN, filled, find, masked
from stackctl.engines import SERVERS
from stackctl.engines.explain import explain, unknown
from stackctl.model import Container, Explanation, Failure, Observed, Service, StackError
from stackctl.system.docker import Docker

#: seconds before a start within which the engine ended that Docker started again: it waits up to
#: a minute, and an engine takes its time to end
_BEFORE_START = 180.0
#: characters by which the begin of a log is found in a longer one
_MARK = 1000
_LONGEST = 600


def look(docker: Docker, service: Service, container: Container) -> tuple[Observed, str]:
    """What the log of a container says, and the log itself; both empty if it never started."""
    seen = Observed(service, container)
    text, unread = _read(docker, container) if container.started_at else ("", "")
    if engine := SERVERS.get(service.engine):
        seen = replace(seen, progress=engine.progress(text))
    seen = replace(seen, explanations=_why(service, container, text), last_line=_last_line(text))
    seen = replace(seen, unread=unread)
    return seen, text


def died(docker: Docker, seen: Observed, text: str = "") -> tuple[Explanation, ...]:
    """Why an engine ended that Docker has started again since; `text` is its log since then."""
    text = text or _text(docker, seen.container)
    earlier = max(0.0, seen.container.started_at - _BEFORE_START)
    longer = _text(docker, replace(seen.container, started_at=earlier))
    mark = text[:_MARK]
    # what the engine writes that runs now is at the end
    before = longer[: longer.rfind(mark)] if mark in longer else ""
    why = explain(before, _failures(seen)) or _some(unknown(before))
    if not why and not seen.explanations:
        why = _some(_wordless(before))
    return _typed(seen.service, why)


def _wordless(log: str) -> Explanation | None:
    """Of what ended without naming an error: its last line."""
    cause = "unknown: its log names no error, this was its last line; Docker started it again"
    line = _last_line(log)
    return Explanation(line, cause, "stackctl logs ROLE") if line else None


def refused(
    docker: Docker, seen: Observed, reason: str, before: str = ""
) -> tuple[Explanation, ...]:
    """Why an engine that runs refused a request: what it answered, then what its log says of it.

    `before` is the log as it was before the request.
    """
    failures = _failures(seen)
    said = tuple(hit.explanation for hit in find(reason, (*REQUESTS, *failures)))
    if said:
        return _typed(seen.service, said)
    text = _text(docker, seen.container).removeprefix(before)
    return _typed(seen.service, explain(text, failures) or _some(unknown(text)))


def first_error(docker: Docker, seen: Observed) -> tuple[Explanation, ...]:
    """What is known, else the first error: of an engine that nobody waits for any longer."""
    return seen.explanations or _typed(seen.service, _some(unknown(_text(docker, seen.container))))


def _why(service: Service, container: Container, text: str) -> tuple[Explanation, ...]:
    """Why a container does not run, or will not be ready."""
    if container.error:
        # the last start failed, so that the log is of an earlier one
        said = tuple(hit.explanation for hit in find(container.error, CREATE))
        return _typed(service, said or (_unknown_to_docker(container.error),))
    engine = SERVERS.get(service.engine)
    known = explain(text, engine.failures) if engine else ()
    # engines that run survive errors, and those that were stopped have
    if not known and container.crashed:
        known = _some(unknown(text))
    return _typed(service, known)


def _unknown_to_docker(error: str) -> Explanation:
    return Explanation(
        masked(error)[:_LONGEST],
        UNKNOWN,
        "`stackctl up ROLE` tries again; sudo journalctl -u docker has what Docker did",
    )


def _typed(service: Service, explanations: Iterable[Explanation]) -> tuple[Explanation, ...]:
    return tuple(replace(e, fix=filled(e.fix, service.name)) for e in explanations)


def _some(explanation: Explanation | None) -> tuple[Explanation, ...]:
    return (explanation,) if explanation else ()


def _failures(seen: Observed) -> tuple[Failure, ...]:
    engine = SERVERS.get(seen.service.engine)
    return engine.failures if engine else ()


def _read(docker: Docker, container: Container) -> tuple[str, str]:
    """A log, and why it cannot be read if so: some log drivers keep nothing."""
    try:
        return docker.log(container), ""
    except StackError as error:
        return "", error.message


def _text(docker: Docker, container: Container) -> str:
    return _read(docker, container)[0]


def _last_line(log: str) -> str:
    """The last line that says something."""
    lines = [line for line in log[-8000:].splitlines() if line.strip()]
    return masked(lines[-1].strip())[:300] if lines else ""
