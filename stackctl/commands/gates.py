"""The gates of one service: GPU inside, loading, ready, then every check with a real answer."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from threading import Event, Thread

from stackctl import facts as gather
from stackctl.checks import CHECKS, CRASHED, run, worst
from stackctl.commands import hang
from stackctl.model import (
    Check,
    Daemon,
    Driver,
    Facts,
    Finding,
    Gpu,
    Observed,
    Phase,
    Severity,
    StackError,
    Unavailable,
)
from stackctl.system import cuda, nvml, terminal
from stackctl.system.docker import Docker

#: what is asked as soon as the container runs, before minutes of loading are spent
_FIRST = frozenset({"gpu.exists", "gpu.inside", "gpu.cuda", "gpu.assigned"})
#: the driver lists a process a moment after it took memory
_SETTLE = 5.0
_PAUSE = 0.1
#: it answered a moment ago, or we would not be here
_DAEMON = Daemon("")
_LONGEST_PAUSE = 2.0


@dataclass(frozen=True, slots=True)
class Result:
    """Where a service stands after its gates. No ERROR among the findings = it passed."""

    observed: Observed | None
    findings: tuple[Finding, ...]
    gpus: tuple[Gpu, ...] = ()


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a service may load, and how long it may do so without any sign of life; seconds."""

    total: float
    silent: float


def pass_all(
    docker: Docker, container_id: str, patience: Patience, board: terminal.Board, stop: Event
) -> Result:
    """Take a started container through all gates; stops at the first that it fails."""
    seen = _look(docker, container_id)
    name = seen.service.name
    if seen.service.gpus.wanted:
        board.set(name, "GPU inside?")
        inside, computing = gather.look_inside(docker, seen), cuda.look(docker, seen.container)
        seen = replace(seen, inside=inside, cuda=computing)
        result = _judge(seen, tuple(c for c in CHECKS if c.id in _FIRST))
        if _failed(result) and not _ended(docker, seen):
            board.set(name, "failed: GPU inside", done=True)
            return result
    result = _wait_until_ready(docker, seen, patience, board, stop)
    if _failed(result):
        board.set(name, "failed: loading", done=True)
        return result
    board.set(name, "asking for an answer")
    result = _prove(docker, container_id)
    word = "failed: proof" if _failed(result) else _passed(result)
    board.set(name, word, done=True)
    return result


def _wait_until_ready(
    docker: Docker, seen: Observed, patience: Patience, board: terminal.Board, stop: Event
) -> Result:
    """Until the engine is ready, and its model loaded where it loads only when asked."""
    name = seen.service.name
    deadline = time.monotonic() + patience.total
    life = hang.SignOfLife()
    restarts, pause = seen.container.restarts, _PAUSE
    loading: Loading | None = None
    while not stop.is_set():
        pair = docker.service(seen.container.id)
        if pair is None:
            raise StackError(f"{name}: its container was removed", fix="stackctl up")
        now = gather.progress(docker, *pair)
        if not now.container.running or now.container.restarts > restarts:
            # one more restart is one failure: Docker would go on with it for ever
            if now.container.running:
                now = replace(now, died=gather.died(docker, now))
            return _judge(now, _only("service.running"), at_least=Severity.ERROR)
        if loading and loading.failure:
            return _load_failed(docker, now, loading.failure)
        if now.ready is True and (loading is None or loading.done):
            loading = loading or Loading(now, deadline - time.monotonic())
            if loading.done and not loading.failure:
                return Result(now, ())
        board.set(name, f"loading: {now.progress.stage}", now.progress.percent)
        if life.silence(now) > patience.silent:
            return Result(now, (hang.finding(docker, now, patience.silent),))
        if time.monotonic() > deadline:
            return _too_slow(docker, now, patience.total)
        stop.wait(pause)
        pause = min(pause * 1.3, _LONGEST_PAUSE)
    raise StackError(f"{name}: interrupted")


class Loading:
    """The request that makes an engine load its model, under way in the background."""

    def __init__(self, seen: Observed, timeout: float) -> None:
        self.failure: Unavailable | None = None
        self._thread = Thread(target=self._run, args=(seen, timeout), daemon=True)
        self._thread.start()
        # engines that load by themselves have nothing to ask: done at once
        self._thread.join(0.01)

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def _run(self, seen: Observed, timeout: float) -> None:
        self.failure = gather.load_model(seen, max(1.0, timeout))


def _prove(docker: Docker, container_id: str) -> Result:
    """All checks of this service, with a real answer."""
    end = time.monotonic() + _SETTLE
    answer: str | Unavailable | None = None
    while True:
        pair = docker.service(container_id)
        if pair is None:
            raise StackError("the container was removed", fix="stackctl up")
        seen = gather.observe(docker, *pair, answers=answer is None)
        answer = seen.answer if answer is None else answer
        result = _judge(replace(seen, answer=answer), CHECKS)
        if not _driver_lags(result) or time.monotonic() > end:
            return result
        time.sleep(_PAUSE)


def _driver_lags(result: Result) -> bool:
    """Whether the driver speaks against the engine, which it may not do a moment later."""
    return any(f.severity is Severity.ERROR and "held_mib" in f.values for f in result.findings)


def _look(docker: Docker, container_id: str) -> Observed:
    pair = docker.service(container_id)
    if pair is None:
        raise StackError("the container was removed", fix="stackctl up")
    return Observed(*pair)


def _judge(
    seen: Observed, checks: tuple[Check, ...], *, at_least: Severity = Severity.OK
) -> Result:
    driver = nvml.read()
    found = run(checks, Facts(daemon=_DAEMON, driver=driver, observed=(seen,)), Phase.RUNNING)
    # of other subjects only a check that crashed counts: it has proven nothing
    mine = tuple(f for f in found if f.subject in (seen.service.name, CRASHED))
    if at_least is Severity.ERROR and worst(mine) is Severity.WARNING:
        mine = tuple(replace(f, severity=Severity.ERROR) for f in mine)
    gpus = seen.service.gpus.resolve(driver.gpus)[0] if isinstance(driver, Driver) else ()
    return Result(seen, mine, gpus)


def _ended(docker: Docker, seen: Observed) -> bool:
    """Whether the container stopped since: then its log says more than what is missing inside."""
    now = _look(docker, seen.container.id).container
    return not now.running or now.restarts > seen.container.restarts


def _only(check_id: str) -> tuple[Check, ...]:
    return tuple(check for check in CHECKS if check.id == check_id)


def _failed(result: Result) -> bool:
    return worst(result.findings) is Severity.ERROR


def _passed(result: Result) -> str:
    proof = next((f.summary for f in result.findings if f.check == "engine.on-gpu"), "")
    return "proven" + (f": {proof}" if proof else "")


def _load_failed(docker: Docker, seen: Observed, failure: Unavailable) -> Result:
    name = seen.service.name
    summary = f"could not load {seen.service.model}: {failure.reason}"
    seen = replace(seen, explanations=gather.refused(docker, seen, failure.reason))
    return _not_ready(seen, summary, "", f"stackctl logs {name}")


def _too_slow(docker: Docker, seen: Observed, timeout: float) -> Result:
    name = seen.service.name
    return _not_ready(
        replace(seen, explanations=gather.first_error(docker, seen)),
        f"not ready after {timeout:.0f} s: {seen.progress.stage}",
        "the engine hangs, or the disk is slow",
        f"stackctl logs {name}; it loads on: stackctl up {name} waits again",
    )


def _not_ready(seen: Observed, summary: str, cause: str, fix: str) -> Result:
    """`cause` and `fix` are for the case that the log holds no known failure."""
    known = next(iter(seen.explanations), None)
    finding = Finding(
        "service.ready",
        Severity.ERROR,
        seen.service.name,
        summary,
        evidence=known.line if known else seen.last_line,
        cause=known.cause if known else cause,
        fix=known.fix if known else fix,
        values={"failure": known.id if known else ""},
    )
    return Result(seen, (finding,))
