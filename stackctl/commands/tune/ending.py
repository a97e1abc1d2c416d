"""What a tuning leaves: a page, JSON, the winner as an env file; and taking it, or going back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stackctl import report, settings
from stackctl.commands.gates import Patience
from stackctl.commands.tune import ground
from stackctl.commands.tune.ground import Ground
from stackctl.commands.tune.keep import Shelf
from stackctl.commands.tune.stage import Stage
from stackctl.model import StackError
from stackctl.system import files, terminal
from stackctl.system.docker import Docker
from stackctl.tune import page, tables, winner
from stackctl.tune.contest import Contest

#: an owner's words may hold a key
_PRIVATE = 0o600


def keep(field: Ground, contest: Contest, shelf: Shelf, where: str) -> dict[str, Any]:
    """Write all of it; what a program gets to read."""
    name = field.role.service.name
    told = {
        "role": name,
        "objective": str(field.space.objective),
        "gpus": where,
        "simulated": any(e.trial.run.simulated for e in contest.entries if e.trial.run),
        "won": contest.won,
        "doubt": contest.doubt,
        "best": contest.entries.index(contest.best),
        "current": contest.current.trial.key,
        "candidates": tables.body(contest),
        "page": str(shelf.page),
        "winner": str(shelf.winner) if contest.won else "",
    }
    files.remove(shelf.winner)
    if contest.won:
        values = field.candidate(contest.best.choice).values
        text = winner.render(values, list(_evidence(field, contest, shelf, where)))
        files.write(shelf.winner, text, mode=_PRIVATE)
    files.write(shelf.page, page.page(name, where, contest))
    files.write(shelf.report, json.dumps(told, indent=2))
    return told


def text(field: Ground, contest: Contest, shelf: Shelf) -> str:
    """The end of a tuning for a person."""
    name, root = field.role.service.name, field.role.config.root
    lines = [
        "",
        report.table(tables.header(contest.objective.goal), tables.rows(contest)),
        *tables.reasons(contest),
        "",
        tables.verdict(contest),
    ]
    if contest.won:
        lines += [
            f"its settings: {_shown(shelf.winner, root)}",
            f"to take them: stackctl tune {name} --take; then: stackctl rollout {name}",
        ]
    return "\n".join([*lines, f"page: {_shown(shelf.page, root)}"])


def take(role: str) -> int:
    """The winner's lines into env/stack.env, which keeps the rest; a copy of it as it was."""
    mine = ground.load_role(role)
    shelf = Shelf(mine.folder)
    if not shelf.winner.is_file():
        raise StackError(f"there is no winner for {role}", fix=f"stackctl tune {role}", exit_code=2)
    values = settings.read_env(shelf.winner)
    own = mine.config.root / "env" / "stack.env"
    before = files.read(own) if own.is_file() else ""
    after = winner.merged(before, values)
    if after == before:
        terminal.out(f"{_shown(own, mine.config.root)} has them already")
        return 0
    if before:
        copy = mine.folder / "stack.env.before"
        files.write(copy, before, mode=_PRIVATE)
        files.rewrite(own, after)
        terminal.out(f"as it was before: {_shown(copy, mine.config.root)}")
    else:
        files.write(own, after, mode=_PRIVATE)
    names = ", ".join(sorted(values))
    terminal.out(f"{_shown(own, mine.config.root)}: {names}\nto use them: stackctl rollout {role}")
    return 0


def end(role: str, patience: Patience) -> int:
    """The role as it was before a tuning that was killed. 1 if it does not come up so."""
    mine = ground.load_role(role)
    shelf = Shelf(mine.folder)
    if not shelf.before():
        terminal.out(f"{role} is not being tuned")
        return 0
    stage = Stage(Docker(), mine, shelf, patience)
    stage.take()
    return 0 if stage.close() else 1


def _evidence(field: Ground, contest: Contest, shelf: Shelf, where: str) -> Iterator[str]:
    load, best = contest.load, contest.best
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(best.trial.at))
    yield f"stackctl tune {field.role.service.name}, {when}, on {where}"
    if best.trial.run and best.trial.run.simulated:
        yield report.SIMULATION
    yield f"{contest.objective}; {load.input} tokens in, at most {load.output} out"
    yield f"{best.trial.label}: {tables.figure(best, contest.objective.goal)}"
    yield tables.gain(best)
    if contest.current.score:
        yield f"current settings: {tables.figure(contest.current, contest.objective.goal)}"
    tried = sum(entry.trial.run is not None for entry in contest.entries)
    yield f"the best of {tried} that were measured; all of them: {shelf.page.name}"


def _shown(path: Path, root: Path) -> str:
    return str(path.relative_to(root))
