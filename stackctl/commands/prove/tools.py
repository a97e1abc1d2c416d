"""`stackctl prove tools`: ask each kind of question many times, and count."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from stackctl import report
from stackctl.commands import proven
from stackctl.commands.prove.targets import Asked, Target, proofs, targets
from stackctl.commands.proven import Proof
from stackctl.model import Finding
from stackctl.proofs import answer
from stackctl.proofs.tools import cases
from stackctl.proofs.tools.cases import Case
from stackctl.proofs.tools.judge import judge
from stackctl.proofs.tools.tally import HEADER, Tally, as_data, chosen, findings, rows, said, tally
from stackctl.proofs.trouble import Trouble
from stackctl.system import exchange, terminal

#: answers that did not come in time, after which a server is given up
_PATIENCE = 5
_WAITED_FOR = ("no-answer", "too-slow", "keep-alives-only", "unreachable")

RIGGED = (
    "The model is a rigged one: it says what it was made to say. What a model decides is not\n"
    "counted below; the way from its words to a client's tool call is real, and proven."
)


@dataclass(frozen=True, slots=True)
class Effort:
    """How often each case is asked, how many at once, and the limits of each answer."""

    times: int = 5
    concurrency: int = 4
    timeout: float = 120.0
    max_tokens: int = 2048


@dataclass
class _Run:
    """The questions to one model. Several threads ask."""

    target: Target
    effort: Effort
    plain: int | None = None
    late: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, case: Case) -> tuple[Trouble, ...]:
        """Ask once; what was wrong with the answer."""
        if self.late >= _PATIENCE:
            return (Trouble("not-asked", "the server did not answer the questions before"),)
        body = cases.body(case, self.target.model, self.effort.max_tokens)
        reply = exchange.post(self.target.door, case.path, body, timeout=self.effort.timeout)
        # only of the very same question does the length without tools tell something
        plain = self.plain if case.messages == (cases.PARIS,) else None
        troubles = judge(case, reply, plain)
        if any(trouble.kind in _WAITED_FOR for trouble in troubles):
            with self.lock:
                self.late += 1
        return troubles


def tools(asked: Asked, effort: Effort, names: Sequence[str], *, as_json: bool) -> int:
    """Prove each of the roles. 1 if one answer of any was wrong."""
    documents, kept, failed = [], list[Proof](), False
    for target in targets(asked):
        tallies = prove(target, effort, names)
        wrong = findings(target.name, tallies, rigged=target.rigged, ours=bool(target.service))
        fine = not wrong and any(one.passed for one in tallies)
        failed = failed or not fine
        kept += proofs(target, "prove tools", fine, said(tallies))
        if as_json:
            documents.append(_document(target, effort, tallies, wrong))
        else:
            _tell(target, tallies)
            for finding in wrong:
                terminal.out("\n" + report.problem(finding, colour=terminal.colour()))
            terminal.out("")
    proven.remember(kept)
    if as_json:
        terminal.out(json.dumps({"ok": not failed, "tools": documents}, indent=2))
    return 1 if failed else 0


def prove(target: Target, effort: Effort, names: Sequence[str] = ()) -> list[Tally]:
    """Each case as often as wished, mixed, so that they meet one another in the engine."""
    wanted = chosen(names)
    run = _Run(target, effort)
    body = cases.plain((cases.PARIS,), target.model, effort.max_tokens)
    reply = exchange.post(target.door, cases.CHAT, body, timeout=effort.timeout)
    first = answer.trouble(reply) or answer.read(reply)
    if isinstance(first, Trouble):
        # who cannot answer a plain question need not be asked for tools
        unasked = (Trouble("not-asked", "a question without tools has failed already"),)
        return [
            tally(case, [(first,) if case is wanted[0] else unasked], rigged=target.rigged)
            for case in wanted
        ]
    run.plain = first.prompt_tokens
    jobs = [case for _ in range(effort.times) for case in wanted]
    with ThreadPoolExecutor(effort.concurrency) as pool:
        answers = list(pool.map(run.ask, jobs))
    return [
        tally(
            case,
            [each for job, each in zip(jobs, answers, strict=True) if job is case],
            rigged=target.rigged,
        )
        for case in wanted
    ]


def _tell(target: Target, tallies: Sequence[Tally]) -> None:
    terminal.out(f"{target.name}: {target.model} at {target.door.url}\n")
    if target.rigged:
        terminal.out(f"{report.SIMULATION}\n{RIGGED}\n")
    terminal.out(report.table(HEADER, rows(tallies)))


def _document(
    target: Target, effort: Effort, tallies: Sequence[Tally], wrong: Sequence[Finding]
) -> dict[str, Any]:
    return {
        "name": target.name,
        "model": target.model,
        "url": target.door.url,
        "ok": not wrong and any(one.passed for one in tallies),
        "rigged": target.rigged,
        "times": effort.times,
        "concurrency": effort.concurrency,
        "cases": [as_data(one) for one in tallies],
        "findings": [
            {
                "id": f.values["failure"],
                "count": f.values["count"],
                "evidence": f.evidence,
                "cause": f.cause,
                "fix": f.fix,
            }
            for f in wrong
        ],
    }
