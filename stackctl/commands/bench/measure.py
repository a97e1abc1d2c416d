"""Measuring one API: what it takes, its warm-up, and growing concurrency until the knee."""

from __future__ import annotations

from collections.abc import Callable

from stackctl.bench import plan, prompts, sound, summary
from stackctl.bench.plan import Shape
from stackctl.bench.prompts import Dialect, Scale
from stackctl.bench.result import Run, Step
from stackctl.commands.bench.aims import Aim
from stackctl.model import StackError
from stackctl.model.load import Outcome, Patience, Volley
from stackctl.system import power
from stackctl.system.load import fire, probe

#: tokens of an answer to a probe; thinking models do not begin to speak with fewer
_PROBE = 16
#: prompts of a step have numbers of their own, so that none is in a cache
_NUMBERS = 1_000_000
_FIXES = {
    "refused": "stackctl status tells where services listen",
    "http-401": "name the variable that has the key: --key-env NAME",
    "http-403": "name the variable that has the key: --key-env NAME",
    "http-404": "is the base URL right (it ends in /v1, mostly), and the name of the model?",
    "html": "that is a web page: the base URL of an API ends in /v1, mostly",
    "tls": "a CA of your own: export SSL_CERT_FILE=ca.pem",
    "no-answer": "stackctl verify --answers says more; or give it more time: --timeout",
}


def greet(aim: Aim, seed: int, patience: Patience) -> tuple[Dialect, Scale]:
    """How to speak to it, and how it counts. Raises StackError if it does not answer."""
    dialect = Dialect()
    if aim.sound:
        _check(aim, probe(aim.target, aim.sound, patience=patience))
        return dialect, Scale()
    counted = []
    for number, words in enumerate(prompts.PROBES):
        while True:
            text = prompts.text(words, seed, -1 - number)
            body = prompts.body(aim.target, text, _PROBE, dialect)
            outcome = probe(aim.target, body, patience=patience)
            other = dialect.without(outcome.detail) if outcome.failure == "http-400" else None
            if other is None:
                break
            dialect = other
        _check(aim, outcome)
        counted.append(outcome.prompt_tokens)
    return dialect, prompts.scale(counted)


def _check(aim: Aim, outcome: Outcome) -> None:
    # a model that thinks in secret has said nothing after so few tokens, and is fine
    if outcome.ok or (outcome.failure == "no-tokens" and outcome.tokens):
        return
    detail = f": {outcome.detail}" if outcome.detail else ""
    raise StackError(
        f"{aim.target.name} ({aim.target.url}) cannot be measured: {outcome.failure}{detail}",
        fix=_FIXES.get(outcome.failure, "docs/bench.md explains each failure"),
    )


def measure(
    aim: Aim,
    shape: Shape,
    dialect: Dialect,
    words: int,
    *,
    seed: int,
    patience: Patience,
    seconds: float,
    price: float | None,
    say: Callable[[str], None],
) -> Run:
    """All steps. `words` of each prompt; `seconds`: of a step, after which no request is begun."""

    def volley(level: int, number: int, count: int) -> Volley:
        bodies = [
            aim.sound
            or prompts.body(aim.target, prompts.text(words, seed, at), shape.output_tokens, dialect)
            for at in range(number * _NUMBERS, number * _NUMBERS + count)
        ]
        most = 4 * shape.output_tokens + 256
        return fire(aim.target, bodies, level, most_chunks=most, patience=patience, seconds=seconds)

    say(f"{aim.target.name}: warm-up")
    volley(1, 0, shape.warm_up)
    steps: list[Step] = []
    stopped = ""
    for number, level in enumerate(shape.levels(), 1):
        with power.sampled(aim.gpus) as drawn:
            shots = volley(level, number, shape.count(level))
        made = summary.step(shots, level, drawn, price, sound.SECONDS if aim.sound else 0.0)
        steps.append(made)
        rate = (
            f"{made.audio_per_s:.4g} s of sound" if aim.sound else f"{made.tokens_per_s:.4g} tokens"
        )
        say(f"{aim.target.name}: {level} at once: {rate}/s")
        why = plan.enough([summary.point(step) for step in steps])
        if why and not shape.fixed:
            stopped = why
            break
    return Run(
        name=aim.target.name,
        model=aim.target.model,
        url=aim.target.url,
        engine=aim.engine,
        against=aim.against,
        simulated=aim.simulated,
        notes=(*aim.notes, *dialect.notes()),
        knee=plan.knee([summary.point(step) for step in steps]) if len(steps) > 1 else None,
        stopped=stopped,
        steps=tuple(steps),
    )
