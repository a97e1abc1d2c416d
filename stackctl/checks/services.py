"""Is each service up, ready, and serving what it promises?"""

from __future__ import annotations

import time
from collections.abc import Iterable

from stackctl.model import (
    Check,
    Explanation,
    Facts,
    Finding,
    Observed,
    Phase,
    Severity,
    Unavailable,
)

#: seconds for which a loading engine is no reason to worry: 65 GB from a slow disk
LOADING = 1800.0
#: restarts after which a container counts as looping
LOOP = 3
#: exit code of a program that got SIGKILL
KILLED = 137


def running(facts: Facts) -> Iterable[Finding]:
    if not facts.observed:
        yield Finding(
            "service.running",
            Severity.ERROR,
            "stack",
            "no container of the stack exists",
            cause="it was never brought up, or taken down",
            fix="make up",
        )
    for o in facts.observed:
        yield _running(o)


def _running(o: Observed) -> Finding:
    c, name = o.container, o.service.name
    known = next(iter(o.died or o.explanations), None)
    # of an engine that runs the last line says nothing of how it ended
    last_line = "" if c.running else o.last_line
    evidence = known.line if known else c.error or last_line
    severity = Severity.ERROR
    if c.oom_killed or (not c.running and c.exit_code == KILLED):
        if not known and not c.error and last_line:
            # one that was killed had no time to say why
            evidence = f"last line: {last_line}"
        what = "was killed: out of memory" if c.oom_killed else "was killed (exit code 137)"
        cause = "the container's memory limit or the host's memory was exhausted"
        fix = f"free -h; a smaller model or a higher limit, then: stackctl up {name}"
    elif not c.running:
        what = "was never started" if c.state == "created" else f"is {c.state}"
        if c.state in ("exited", "restarting", "dead"):
            what += f", exit code {c.exit_code}"
        cause = known.cause if known else _unexplained(o)
        fix = known.fix if known else f"stackctl up {name}"
    elif c.restarts:
        what = "was restarted " + ("once" if c.restarts == 1 else f"{c.restarts} times")
        severity = Severity.ERROR if c.restarts >= LOOP else Severity.WARNING
        cause = known.cause if known else "the engine ended and Docker started it again"
        fix = known.fix if known else f"stackctl logs {name}"
        fix += f"; stackctl restart {name} sets the count back"
    else:
        severity, what, evidence, cause, fix = Severity.OK, "running", "", "", ""
    values = {"state": c.state, "restarts": c.restarts, "exit_code": c.exit_code}
    if severity is not Severity.OK:
        values |= _failure(known)
    return Finding("service.running", severity, name, what, evidence, cause, fix, values)


def _unexplained(o: Observed) -> str:
    """The cause of what ended, or never began, without any error."""
    name, c = o.service.name, o.container
    if c.state == "created":
        return "nothing has started it: up was broken off, or a service that it needs failed"
    if not c.crashed:
        return f"it was stopped, or ended without an error; its whole log: stackctl logs {name}"
    if o.unread:
        return f"unknown: its log cannot be read: {o.unread}"
    return f"unknown: its log names no error, this is its last line; the rest: stackctl logs {name}"


def _failure(known: Explanation | None) -> dict[str, str]:
    """The catalogue's entry, for programs; empty where none explains it."""
    return {"failure": known.id if known else ""}


def ready(facts: Facts) -> Iterable[Finding]:
    for o in _up(facts):
        name = o.service.name
        if o.ready is True:
            yield Finding(
                "service.ready",
                Severity.OK,
                name,
                f"ready ({o.title} {o.version})" if o.version else "ready",
                values={"engine": o.service.engine, "version": o.version},
            )
            continue
        known = next(iter(o.explanations), None)
        age = time.time() - o.container.since
        loading = age < LOADING and known is None and o.progress.percent != 100
        stage = o.progress.stage
        if o.progress.percent is not None:
            stage += f", {o.progress.percent} %"
        reason = o.ready.reason if isinstance(o.ready, Unavailable) else "no answer"
        yield Finding(
            "service.ready",
            Severity.WARNING if loading else Severity.ERROR,
            name,
            f"still loading: {stage}" if loading else f"not ready: {reason}",
            evidence=known.line if known else o.last_line,
            cause=known.cause if known else ("" if loading else "the engine hangs or has failed"),
            fix=known.fix
            if known
            else (f"stackctl up {name} waits for it" if loading else f"stackctl restart {name}"),
            values={"stage": o.progress.stage, "percent": o.progress.percent} | _failure(known),
        )


def model(facts: Facts) -> Iterable[Finding]:
    for o in _ready(facts):
        name, promised = o.service.name, o.service.model
        if not promised or isinstance(o.served, Unavailable):
            continue
        if promised in o.served.models:
            yield Finding("service.model", Severity.OK, name, f"serves {promised}")
        else:
            yield Finding(
                "service.model",
                Severity.ERROR,
                name,
                f"does not serve {promised}",
                evidence=f"it lists: {', '.join(o.served.models) or 'nothing'}",
                cause="another model was loaded, or the model was never pulled",
                fix=f"correct {o.service.role.upper()}_MODEL in env/stack.env, then: stackctl up",
                values={"promised": promised, "served": list(o.served.models)},
            )


def context(facts: Facts) -> Iterable[Finding]:
    for o in _ready(facts):
        promised, name = o.service.context, o.service.name
        if not promised or isinstance(o.served, Unavailable):
            continue
        served = o.served.context
        if served is None:
            yield Finding("service.context", Severity.SKIPPED, name, "the engine does not tell")
        elif served >= promised:
            yield Finding("service.context", Severity.OK, name, f"context {served}")
        else:
            yield Finding(
                "service.context",
                Severity.ERROR,
                name,
                f"serves {served} tokens of context, {promised} are promised",
                cause="the engine took its default, divided it among slots, or cut it to fit",
                fix=f"correct {o.service.role.upper()}_CONTEXT in env/stack.env or the engine's "
                f"fragment, then: stackctl up {name}",
                values={"served": served, "promised": promised},
            )


def answers(facts: Facts) -> Iterable[Finding]:
    for o in _ready(facts):
        if o.answer is None:
            continue
        if isinstance(o.answer, Unavailable):
            known, name = next(iter(o.explanations), None), o.service.name
            yield Finding(
                "service.answer",
                Severity.ERROR,
                name,
                f"is ready, but gives no answer: {o.answer.reason}",
                evidence=known.line if known else o.last_line,
                cause=known.cause
                if known
                else "unknown: no error in its log since; its worker may hang or have failed",
                fix=known.fix if known else f"stackctl logs {name}; stackctl restart {name}",
                values=_failure(known),
            )
        else:
            text = o.answer if len(o.answer) <= 60 else o.answer[:57] + "..."
            yield Finding("service.answer", Severity.OK, o.service.name, f'answers "{text}"')


def _up(facts: Facts) -> tuple[Observed, ...]:
    return tuple(o for o in facts.observed if o.container.running)


def _ready(facts: Facts) -> tuple[Observed, ...]:
    return tuple(o for o in _up(facts) if o.ready is True)


CHECKS = (
    Check("service.running", "The container runs", Phase.RUNNING, running, needs=("daemon",)),
    Check("service.ready", "The engine is ready", Phase.RUNNING, ready),
    Check("service.model", "It serves the promised model", Phase.RUNNING, model),
    Check("service.context", "The context window is as promised", Phase.RUNNING, context),
    Check("service.answer", "It gives a real answer", Phase.RUNNING, answers),
)
