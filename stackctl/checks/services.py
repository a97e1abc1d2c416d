"""Is each service up, ready, and serving what it promises?"""

from __future__ import annotations

import time
from collections.abc import Iterable

from stackctl.model import Check, Facts, Finding, Observed, Phase, Severity, Unavailable

#: seconds for which a loading engine is no reason to worry: 65 GB from a slow disk
LOADING = 1800.0
#: restarts after which a container counts as looping
LOOP = 3


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
    known = o.explanations[0] if o.explanations else None
    evidence = known.line if known else (c.error or o.last_line)
    values = {"state": c.state, "restarts": c.restarts, "exit_code": c.exit_code}
    if c.oom_killed or (not c.running and c.exit_code == 137):
        return Finding(
            "service.running",
            Severity.ERROR,
            name,
            "was killed: out of memory" if c.oom_killed else "was killed (exit code 137)",
            evidence=evidence,
            cause="the container's memory limit or the host's memory was exhausted",
            fix=f"free -h; a smaller model or a higher limit, then: stackctl up {name}",
            values=values,
        )
    if not c.running:
        what = "was never started" if c.state == "created" else f"is {c.state}"
        if c.state in ("exited", "restarting", "dead"):
            what += f", exit code {c.exit_code}"
        return Finding(
            "service.running",
            Severity.ERROR,
            name,
            what,
            evidence=evidence,
            cause=known.cause
            if known
            else "see the evidence; the whole log: stackctl logs " + name,
            fix=known.fix if known else f"stackctl up {name}",
            values=values,
        )
    if c.restarts >= LOOP:
        return Finding(
            "service.running",
            Severity.ERROR,
            name,
            f"was restarted {c.restarts} times",
            evidence=evidence,
            cause=known.cause if known else "the engine ends again and again",
            fix=known.fix if known else f"stackctl logs {name}, then stackctl restart {name}",
            values=values,
        )
    if c.restarts:
        times = "once" if c.restarts == 1 else f"{c.restarts} times"
        return Finding(
            "service.running",
            Severity.WARNING,
            name,
            f"was restarted {times}",
            evidence=evidence,
            cause="the engine ended and Docker started it again",
            fix=f"stackctl logs {name}; stackctl restart {name} sets the count back",
            values=values,
        )
    return Finding("service.running", Severity.OK, name, "running", values=values)


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
        known = o.explanations[0] if o.explanations else None
        age = time.time() - o.container.started_at
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
            values={"stage": o.progress.stage, "percent": o.progress.percent},
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
            yield Finding(
                "service.answer",
                Severity.ERROR,
                o.service.name,
                f"is ready, but gives no answer: {o.answer.reason}",
                evidence=o.last_line,
                cause="the engine accepts connections, but its worker has failed",
                fix=f"stackctl logs {o.service.name}; stackctl restart {o.service.name}",
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
