"""`stackctl prove context`: longer and longer prompts, up to the promised window and beyond."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from stackctl import report
from stackctl.commands import proven
from stackctl.commands.prove.counting import Estimate, Exact, counter
from stackctl.commands.prove.targets import BOTH, Asked, Target, proofs, targets
from stackctl.commands.proven import Proof
from stackctl.model import Driver, Finding, Service, Severity, StackError
from stackctl.proofs.context import page
from stackctl.proofs.context.guard import Memory, danger
from stackctl.proofs.context.prompt import DEPTHS, fit
from stackctl.proofs.context.step import Step, read
from stackctl.proofs.context.verdict import Way, advice, findings
from stackctl.system import exchange, files, host_memory, nvml, terminal

#: per cent of the window: the prompt that has to be refused
_BEYOND = 110
#: tokens for an answer, thoughts included; less in a small window
_ANSWER = 1024
#: share of a window that is left free where tokens are estimated
_UNSURE = 0.01
#: prompts between the last that passed and the first that was refused
_SEARCH = 3

RIGGED = (
    "The model is a rigged one, which finds no needles: whether the window holds is real, what is\n"
    "found in it is not."
)


@dataclass(frozen=True, slots=True)
class Effort:
    """Per cent of the window, seconds for each answer, and for its first token (None: no limit).
    `context`: the promised window, where the target does not tell it."""

    steps: tuple[int, ...]
    timeout: float = 900.0
    late: float | None = None
    context: int | None = None


def context(asked: Asked, effort: Effort, *, as_json: bool, plot: str = "") -> int:
    """Prove each of the roles. 1 if a window is not what was promised."""
    ways, kept, failed = [], list[Proof](), False
    if asked.through == BOTH and not asked.url and not asked.key_env:
        terminal.err("by way of the engine alone; by way of the gateway as well: --key-env NAME")
    for target in targets(asked):
        way = prove(target, effort, now=lambda t=target: memory(t.service))  # type: ignore[misc]
        ways.append(way)
        wrong = findings(way)
        fine = not any(f.severity is Severity.ERROR for f in wrong)
        failed = failed or not fine
        kept += proofs(target, "prove context", fine, f"{way.proven} of {way.promised} tokens")
        if not as_json:
            _tell(way, target, wrong)
    proven.remember(kept)
    if plot:
        made = time.strftime("%Y-%m-%d %H:%M")
        files.write(Path(plot), page.page(ways, made))
    if as_json:
        terminal.out(
            json.dumps({"ok": not failed, "context": [_document(w) for w in ways]}, indent=2)
        )
    elif plot:
        terminal.out(f"written: {plot}")
    return 1 if failed else 0


def prove(target: Target, effort: Effort, *, now: Callable[[], Memory]) -> Way:
    """The steps in ascending order, until one is refused or the box has no room for the next."""
    window = effort.context or target.context
    if not window:
        raise StackError(
            f"{target.name} promises no window", fix="tell it: --context TOKENS", exit_code=2
        )
    run = _Run(target, window, effort, counter(target, effort.timeout), now)
    steps, stopped = run.steps()
    if steps and steps[-1].refused:
        steps += run.search(steps)
        steps.sort(key=lambda step: step.sent)
    whole = not stopped and all(not step.trouble for step in steps)
    beyond = run.step(_BEYOND) if whole and steps[-1].percent == 100 else None
    return Way(
        target.name,
        target.way,
        window,
        tuple(steps),
        beyond,
        stopped,
        target.rigged,
        target.name if target.service else "",
        effort.late,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    target: Target
    window: int
    effort: Effort
    tokens: Exact | Estimate
    now: Callable[[], Memory]

    @property
    def answer(self) -> int:
        """Tokens for an answer."""
        return min(_ANSWER, max(16, self.window // 8))

    def steps(self) -> tuple[list[Step], str]:
        """Those that were tried, and why no more."""
        start, done = self.now(), list[Step]()
        for percent in sorted(set(self.effort.steps)):
            sent = done[-1].sent if done else 0
            if why := danger(start, self.now(), sent, self.window * percent // 100):
                return done, f"before {percent} %: {why}"
            done.append(self.step(percent))
            if done[-1].trouble:
                break
        return done, ""

    def step(self, percent: int, tokens: int = 0) -> Step:
        """Ask once. The prompt of 100 % leaves room for its answer."""
        exact = isinstance(self.tokens, Exact)
        wanted = tokens or self.window * percent // 100
        if percent <= 100:
            spare = 0 if exact else int(wanted * _UNSURE)
            wanted = min(wanted, self.window - self.answer - spare)
        # a prompt whose beginning no engine has seen: one in the cache is no measure of anything
        prompt, sent = fit(wanted, random.SystemRandom().getrandbits(32), self.tokens.count)
        body = {
            "model": self.target.model,
            "messages": prompt.messages,
            "max_tokens": self.answer,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        path = "/v1/chat/completions"
        reply = exchange.post(self.target.door, path, body, timeout=self.effort.timeout)
        made = read(percent, prompt, sent, reply, exact=exact)
        if isinstance(self.tokens, Estimate) and made.holds and made.counted:
            self.tokens.learn(prompt, made.counted)
        return replace(made, vram_mib=self.now().vram)

    def search(self, steps: Sequence[Step]) -> list[Step]:
        """More steps, where the window ends: at what the refusal says, else by halves."""
        low = max((step.sent for step in steps if step.holds), default=0)
        high, named = steps[-1].sent, steps[-1].limit
        if named:
            room = named - self.answer
            return [self._at(room)] if low * 1.02 < room < high else []
        made = []
        for _ in range(_SEARCH):
            one = self._at((low + high) // 2)
            made.append(one)
            low, high = (one.sent, high) if one.holds else (low, one.sent)
        return made

    def _at(self, tokens: int) -> Step:
        return self.step(max(1, tokens * 100 // self.window), tokens)


def memory(service: Service | None) -> Memory:
    """Of this box and of a role's GPUs; nothing of a server that is no role of ours."""
    if service is None:
        return Memory()
    host = host_memory.read()
    available, total, swap = host or (None, 0, 0)
    driver = nvml.read()
    gpus = service.gpus.resolve(driver.gpus)[0] if isinstance(driver, Driver) else ()
    known = [gpu for gpu in gpus if gpu.fault is None]
    if not known:
        return Memory(available, total, swap)
    used = sum(gpu.used_mib for gpu in known)
    return Memory(available, total, swap, used, min(g.total_mib - g.used_mib for g in known))


def _tell(way: Way, target: Target, wrong: Sequence[Finding]) -> None:
    terminal.out(
        f"{way.name}: {target.model} at {target.door.url} ({way.way}), "
        f"promised {way.promised} tokens\n"
    )
    if way.rigged:
        terminal.out(f"{report.SIMULATION}\n{RIGGED}\n")
    terminal.out(report.table(page.HEADER, page.rows(way)))
    for finding in wrong:
        terminal.out("\n" + report.problem(finding, colour=terminal.colour()))
    terminal.out("\nadvice:")
    for line in advice(way):
        terminal.out(f"  {line}")
    terminal.out("")


def _document(way: Way) -> dict[str, Any]:
    wrong = findings(way)
    return {
        "name": way.name,
        "way": way.way,
        "promised": way.promised,
        "proven": way.proven,
        "ok": not any(f.severity is Severity.ERROR for f in wrong),
        "rigged": way.rigged,
        "recall_proven": way.recalls or not way.rigged,
        "flat": way.flat,
        "stopped": way.stopped,
        "depths": list(DEPTHS),
        "steps": [asdict(step) | {"cut": step.cut} for step in way.steps],
        "beyond": asdict(way.beyond) | {"cut": way.beyond.cut} if way.beyond else None,
        "advice": advice(way),
        "findings": [asdict(finding) for finding in wrong],
    }


def percentages(text: str) -> Iterator[int]:
    """`10,50,100` -> numbers from 1 to 100; StackError for anything else."""
    for word in text.split(","):
        if not (word.isascii() and word.isdecimal() and 1 <= int(word) <= 100):
            raise StackError(
                f"--steps {text}: {word!r} is no percentage", fix="e.g. 10,50,100", exit_code=2
            )
        yield int(word)
