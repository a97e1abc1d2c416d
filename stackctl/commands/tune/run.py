"""`stackctl tune ROLE`: the whole run, from the list of candidates to the winner."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, replace

from stackctl import report
from stackctl.commands.gates import Patience
from stackctl.commands.tune import ending, ground
from stackctl.commands.tune.ground import Candidate, Ground
from stackctl.commands.tune.keep import Shelf
from stackctl.commands.tune.stage import Stage
from stackctl.model import Driver, StackError, Unavailable
from stackctl.system import nvml, terminal
from stackctl.system.docker import Docker
from stackctl.tune import judge, search
from stackctl.tune.contest import BETTER, Contest, Entry
from stackctl.tune.search import Walk
from stackctl.tune.tables import figure
from stackctl.tune.trial import Trial


@dataclass(frozen=True, slots=True)
class Options:
    """As typed. `whole`: every value with every other; `again`: forget what was measured."""

    space: str
    whole: bool
    again: bool
    patience: Patience


def tune(role: str, options: Options, *, dry_run: bool, as_json: bool) -> int:
    """0 when it came to its end, whoever won. 1: the current settings do not come up."""
    mine = ground.load_role(role)
    driver = nvml.read()
    if isinstance(driver, Unavailable):
        raise StackError(driver.reason, fix="stackctl verify")
    field = ground.load(mine, options.space, _box(driver))
    _check_requests(field, options)
    if dry_run:
        terminal.out(_listed(field, options))
        return 0
    shelf = Shelf(mine.folder)
    # on its way it speaks to a person; the answer for a program stands alone
    with redirect_stdout(sys.stderr if as_json else sys.stdout):
        if driver.simulated:
            terminal.out(report.SIMULATION + "\n")
        if options.again:
            shelf.forget()
        docker = Docker()
        contest, back = _fought(field, Stage(docker, mine, shelf, options.patience), shelf, options)
    where = ", ".join(f"GPU {g.index} {g.name}" for g in mine.service.gpus.resolve(driver.gpus)[0])
    told = ending.keep(field, contest, shelf, where)
    terminal.out(json.dumps(told, indent=2) if as_json else ending.text(field, contest, shelf))
    return 0 if back else 1


def _check_requests(field: Ground, options: Options) -> None:
    most = search.most(field.space.settings, whole=options.whole)
    sent, fewest = field.space.load.requests, judge.fewest(most)
    if sent < fewest:
        raise StackError(
            f"requests = {sent} are too few to tell {most} candidates apart",
            fix=f"write requests = {fewest} or more below [load]",
            exit_code=2,
        )


def _fought(field: Ground, stage: Stage, shelf: Shelf, options: Options) -> tuple[Contest, bool]:
    """All candidates, and whether the role is as it was before."""
    current = field.candidate({})
    if why := field.refusal(current):
        raise StackError(
            f"the current settings are none to begin with: {why}", fix="stackctl lint", exit_code=2
        )
    try:
        if shelf.before():
            # an earlier run was killed: whatever is measured by now, the role is given back
            stage.take()
        contest = _contest(field, current, stage, shelf, options)
    except KeyboardInterrupt:
        terminal.err(
            "\ninterrupted: what was measured is kept; Ctrl-C again leaves the role as it is"
        )
        _closed(stage)
        raise
    except BaseException:
        _closed(stage)
        raise
    return contest, stage.close(current.key)


def _closed(stage: Stage) -> None:
    """After a failure, which is what has to be told, whatever else fails now."""
    try:
        stage.close()
    except StackError as error:
        terminal.err(f"error: {error.message}\n  fix: {error.fix}")


def _contest(
    field: Ground, current: Candidate, stage: Stage, shelf: Shelf, options: Options
) -> Contest:
    space = field.space
    most = search.most(space.settings, whole=options.whole)
    contest = Contest(space.objective, space.load, most)
    terminal.out(_announced(field, most))
    first = shelf.get(current.key) or stage.trial(current, space.load)
    if first.run is None:
        raise StackError(
            f"{field.role.service.name} does not come up with its current settings: {first.why}",
            fix=f"stackctl up {field.role.service.name}",
        )
    shelf.put(first)
    _tell(0, most, contest.enter({}, first), contest)
    whole = _duration(first.seconds * most)
    terminal.out(f"each takes about {first.seconds:.0f} s, all of them {whole}\n")
    skipped: dict[str, None] = {}
    for number, candidate in enumerate(_candidates(field, current, contest, options, skipped), 1):
        done = shelf.get(candidate.key)
        if done is None and (why := field.refusal(candidate)):
            trial = Trial(candidate.key, candidate.label, time.time(), 0.0, why)
            entry = contest.refuse(candidate.choice, trial)
        else:
            done = done or stage.trial(candidate, space.load)
            shelf.put(done)
            # two ways to the same settings have one result, and each its own name
            entry = contest.enter(candidate.choice, replace(done, label=candidate.label))
        _tell(number, most, entry, contest)
    for name in skipped:
        terminal.out(f"not tried: {name}, which its engine does not have")
    if contest.won:
        _once_more(current, contest, stage, shelf)
    return contest


def _candidates(
    field: Ground,
    current: Candidate,
    contest: Contest,
    options: Options,
    skipped: dict[str, None],
) -> Iterator[Candidate]:
    """Each once: what is the same service under another name was there already."""
    seen = {current.key}
    for candidate in _walk(field, options.whole, contest):
        skipped |= dict.fromkeys(candidate.skipped)
        if candidate.key not in seen:
            seen.add(candidate.key)
            yield candidate
    if len(seen) == 1:
        name = field.role.service.name
        raise StackError(
            f"no setting of this space changes {name}",
            fix=f"do they have what it has already, or does {name} take another role's settings "
            f"(compose/roles/{name}.yaml)?",
            exit_code=2,
        )


def _walk(field: Ground, whole: bool, contest: Contest | None) -> Iterator[Candidate]:
    """Without a contest nobody is better than the current settings."""
    settings = field.space.settings
    walk: Walk = search.grid(settings) if whole else search.one_by_one(settings)
    try:
        choice = next(walk)
        while True:
            yield field.candidate(choice)
            choice = walk.send(contest.best.choice if contest else {})
    except StopIteration:
        return


def _once_more(current: Candidate, contest: Contest, stage: Stage, shelf: Shelf) -> None:
    """The yardstick at the end as well, in case the box has changed between the two."""
    key = f"{current.key}-{contest.best.trial.key}"
    again = shelf.get(key)
    if again is None:
        terminal.out("\nthe current settings once more, in case the box has changed meanwhile")
        again = stage.trial(current, contest.load)
        again = replace(again, key=key, label=f"{current.label} once more")
        shelf.put(again)
    contest.once_more(again)


def _announced(field: Ground, most: int) -> str:
    name, space = field.role.service.name, field.space
    return "\n".join(
        [
            f"{name}: {space.objective}; up to {most} candidates besides the current settings",
            f"{name} serves no clients meanwhile: the candidates take its GPUs in turn, and in the "
            "end it is as it was.\nCtrl-C ends it at any time; what was measured is kept.\n",
        ]
    )


def _tell(number: int, most: int, entry: Entry, contest: Contest) -> None:
    said = entry.why or figure(entry, contest.objective.goal)
    word = "best so far" if entry.verdict == BETTER else entry.verdict
    terminal.out(f"[{number}/{most}] {entry.trial.label}: {word}: {said}\n")


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _listed(field: Ground, options: Options) -> str:
    """What would be tried, from the current settings on."""
    docker, shelf = Docker(), Shelf(field.role.folder)
    current = field.candidate({})
    seen = {current.key: "current"}
    candidates = [current, *_walk(field, options.whole, None)]
    rows, images = [], set()
    for n, candidate in enumerate(candidates):
        note = ", ".join(f"{name}: not in {candidate.service.engine}" for name in candidate.skipped)
        if n and candidate.key in seen:
            note = note or f"the same as {seen[candidate.key]}"
        elif why := field.refusal(candidate):
            note = f"refused: {why}"
        elif shelf.get(candidate.key):
            note = "measured already"
        else:
            images.add(candidate.service.image)
        seen.setdefault(candidate.key, candidate.label)
        rows.append((str(n), candidate.label, note or "to be tried"))
    missing = sorted(image for image in images if not docker.image_exists(image))
    load, space = field.space.load, field.space
    how = (
        "every value with every other"
        if options.whole
        else ("one setting after the other, each with the best of those before it")
    )
    return "\n".join(
        [
            f"{field.role.service.name}: {space.objective}",
            f"each with {load.input} tokens in, {load.output} out, "
            f"{', '.join(map(str, load.concurrency))} at once",
            f"{how}:\n",
            report.table(("#", "SETTINGS", "NOTE"), rows),
            *(f"\nwould be pulled: {image}" for image in missing),
            "\nnothing was done",
        ]
    )


def _box(driver: Driver) -> str:
    """What figures depend on besides the service."""
    return " ".join([driver.version, *(gpu.name for gpu in driver.gpus)])
