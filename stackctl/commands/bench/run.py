"""`stackctl bench [ROLE...]`: measure, print, keep."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stackctl import __version__, report, settings
from stackctl.bench import page, plan, result, sound, tables
from stackctl.bench.plan import Shape
from stackctl.bench.result import Result, Run
from stackctl.commands import proven
from stackctl.commands.bench import aims, measure
from stackctl.commands.bench.aims import Against, Aim
from stackctl.commands.proven import Proof
from stackctl.model import StackError
from stackctl.model.load import Patience
from stackctl.system import files, shelf, terminal
from stackctl.system.load.connection import door


@dataclass(frozen=True, slots=True)
class Options:
    """As typed. `price` of a kWh; `seconds` and `timeout` of a step and of a silence."""

    shape: Shape
    against: Against | None
    seed: int | None
    seconds: float
    timeout: float
    price: float | None
    currency: str
    html: str
    project: str | None


def bench(roles: Sequence[str], options: Options, *, dry_run: bool, as_json: bool) -> int:
    """1 if a server broke down: more than 5 % of the requests of a step failed."""
    root = settings.find_root()
    chosen = _aims(roles, options)
    for aim in chosen:
        door(aim.target)
        _fits(aim, options.shape)
    if dry_run:
        terminal.out(_plan(chosen, options.shape))
        return 0
    made = _measured(chosen, options, shelf.new_id(folder(root), time.time()))
    failure: StackError | None = None
    try:
        kept = _keep(root, made, options.html)
    except StackError as error:
        failure = error
    # what took minutes is shown, even if no disk takes it
    terminal.out(result.dump(made) if as_json else text(made))
    if failure:
        raise failure
    terminal.err(f"kept as {made.id}; page: {kept}")
    proven.remember([_proof(made, run) for run in made.runs if not run.against])
    return 1 if any(map(_broken, made.runs)) else 0


def _broken(run: Run) -> bool:
    return any(plan.MOST_FAILED * step.requests < step.failed for step in run.steps)


def _proof(made: Result, run: Run) -> Proof:
    said = f"{tables.best(run)} ({made.id})"
    return Proof(run.name, "bench", made.at, not _broken(run), said, run.simulated)


def _fits(aim: Aim, shape: Shape) -> None:
    wanted = shape.prompt_tokens + shape.output_tokens
    if aim.context is not None and wanted > aim.context:
        raise StackError(
            f"{aim.target.name} has a context of {aim.context} tokens, and --input and --output "
            f"are {wanted}",
            fix=f"--input {max(1, aim.context - shape.output_tokens - 64)}",
            exit_code=2,
        )


def _keep(root: Path, made: Result, elsewhere: str) -> Path:
    """Where the page is."""
    html = page.page(made)
    kept = shelf.keep(folder(root), made.id, result.dump(made), html)
    if elsewhere:
        kept = Path(elsewhere)
        files.write(kept, html)
    return kept


def folder(root: Path) -> Path:
    return root / ".stackctl" / "bench"


def _aims(roles: Sequence[str], options: Options) -> list[Aim]:
    beside = [aims.elsewhere(options.against)] if options.against else []
    try:
        ours = aims.services(roles, options.project)
    except StackError:
        # without Docker there is still something to be measured, if nobody asked for a role
        if roles or not beside:
            raise
        ours = ()
    if not ours and not beside:
        raise StackError("no service that chats or transcribes runs here", fix="stackctl up")
    return [*ours, *beside]


def _plan(chosen: Sequence[Aim], shape: Shape) -> str:
    levels = ", ".join(map(str, shape.levels()))
    lines = [
        f"{aim.target.name}: {aim.target.model} at {aim.target.url}"
        + (" (somebody may charge for it)" if aim.against else "")
        for aim in chosen
    ]
    most = shape.most_requests()
    until = "" if shape.fixed else ", until the knee"

    def sent(aim: Aim) -> str:
        if aim.sound:
            return f"{most * sound.SECONDS} s of sound"
        return f"{most * shape.prompt_tokens} tokens in, {most * shape.output_tokens} out"

    return "\n".join(
        [
            *lines,
            f"each: {shape.warm_up} requests to warm up, then {levels} at once{until}",
            *(f"at most {most} requests, {what}" for what in dict.fromkeys(map(sent, chosen))),
        ]
    )


def _measured(chosen: Sequence[Aim], options: Options, name: str) -> Result:
    began = time.time()
    seed = random.randrange(1 << 32) if options.seed is None else options.seed  # noqa: S311
    patience = Patience(options.timeout)
    greeted = [measure.greet(aim, seed, patience) for aim in chosen]
    # by the first one's count, so that all get the same words
    scale = next((scale for _, scale in greeted if scale.measured), greeted[0][1])
    words = scale.words(options.shape.prompt_tokens)
    runs = tuple(
        measure.measure(
            aim,
            options.shape,
            dialect,
            words,
            seed=seed,
            patience=patience,
            seconds=options.seconds,
            price=options.price,
            say=terminal.err,
        )
        for aim, (dialect, _) in zip(chosen, greeted, strict=True)
    )
    return Result(
        id=name,
        at=began,
        stackctl=__version__,
        seed=seed,
        prompt_tokens=options.shape.prompt_tokens,
        output_tokens=options.shape.output_tokens,
        price=options.price,
        currency=options.currency,
        runs=runs,
    )


def text(made: Result) -> str:
    """A result for a person."""
    parts = []
    if any(run.simulated for run in made.runs):
        parts.append(report.SIMULATION)
    for run in made.runs:
        lines = [f"{run.name}: {run.model}, {tables.sent(made, run)}"]
        lines.append(report.table(tables.header(run), tables.rows(run)))
        lines += [f"note: {note}" for note in tables.notes(run)]
        parts.append("\n".join(lines))
    if beside := tables.side_by_side(made):
        parts.append("one request at a time\n" + report.table(tables.SIDE, beside))
    return "\n\n".join(parts)
