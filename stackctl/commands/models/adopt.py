"""`stackctl models adopt`: models that nobody pulled with stackctl come into the lock."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stackctl.commands.models import hashes, needs
from stackctl.commands.models.claims import Claim, claim, own
from stackctl.commands.models.shelf import Shelf, canonical, now, open_shelf, same, usual
from stackctl.model import Algorithm, Digest, Kind, LockedFile, LockedModel, Source, StackError
from stackctl.models import adoption, formats, lock
from stackctl.models import source as sources
from stackctl.models.adoption import Found
from stackctl.models.state import State, judge
from stackctl.report import table
from stackctl.system import terminal
from stackctl.system.hashing import Pace, Task, hash_files
from stackctl.system.progress import progress, size

#: a hash that no file has, for those of which none is known
_NONE = Digest(Algorithm.SHA256, "0" * 64)
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """One model; `locked` is what the lock has of it already."""

    claim: Claim
    locked: LockedModel | None = None

    @property
    def name(self) -> str:
        return sources.spec(self.locked.source if self.locked else self.claim.source)


def adopt(paths: Sequence[str], *, source: str = "", dry_run: bool = False) -> int:
    """Take models into the lock, every hash checked; without paths what the stack needs."""
    if source and len(paths) != 1:
        raise StackError(
            "--source is the source of one file or folder, so it goes with one path",
            fix=f"stackctl models adopt PATH --source {shlex.quote(source)}",
            exit_code=2,
        )
    shelf = open_shelf()
    shelf.store.read_lock()  # says so now if the folder is not there
    wanted = canonical(usual(sources.parse(source)), shelf.store.folder) if source else None
    absent: tuple[str, ...] = ()
    if paths:
        claims = [made for path in paths for made in _claims(shelf, path, wanted)]
    else:
        claims, absent = _needed(shelf)
    for line in absent:
        terminal.out(line)
    models = shelf.models
    plans = [_plan(shelf, models, each, forced=wanted is not None) for each in claims]
    new = [plan for plan in plans if plan.locked is None]
    _show(shelf, new)
    for plan in plans:
        if plan.locked and not _unsure(shelf, plan.locked):
            terminal.out(f"{plan.name}: in the lock already")
    if not plans and not absent:
        terminal.out("all models that the stack names are in the lock")
    if dry_run:
        terminal.out("nothing was done")
        return 0

    # --- border: from here on the lock is changed ---
    well = [_take(shelf, plan) for plan in plans]
    return 0 if all(well) and not absent else 1


def _claims(shelf: Shelf, text: str, wanted: Source | None) -> list[Claim]:
    """What is meant by one path of the user's."""
    root = shelf.store.folder
    path = needs.below(shelf, text)
    found = [each for each in adoption.at(root, path) if each.pieces]
    if wanted is None:
        if not found:
            raise StackError(
                f"{path}: no model in it",
                fix="name a file or the folder of one model; as a whole: "
                f"--source file:{path.relative_to(root)}",
                exit_code=2,
            )
        return [claim(shelf, each) for each in found]
    if wanted.kind is Kind.FILE:
        if root / wanted.name != path:
            raise StackError(
                f"{sources.spec(wanted)} is not {path}",
                fix=f"--source file:{path.relative_to(root)}",
                exit_code=2,
            )
        return [own(adoption.whole(root, path))]
    one = found[0] if len(found) == 1 else adoption.whole(root, path)
    return [claim(shelf, one, wanted)]


def _needed(shelf: Shelf) -> tuple[list[Claim], tuple[str, ...]]:
    """What the stack's services need and no lock has; and a line for what is not here."""
    claims, lines = [], []
    root = shelf.store.folder
    for need in needs.of_stack(shelf):
        found = [f for path in need.paths for f in adoption.at(root, path)]
        found = [each for each in found if each.pieces]
        if not found:
            get = f"stackctl models pull {need.service}"
            if need.source is None or need.source.kind is Kind.FILE:
                get = f"put it there, or name where to get it: {need.service.upper()}_SOURCE in "
                get += "env/stack.env, then stackctl models pull"
            lines.append(f"{need.service}: {need.text} is not here\n  fix: {get}")
        elif need.source is None:
            claims += [claim(shelf, each) for each in found]
        elif need.source.kind is Kind.FILE:
            one = found[0] if len(found) == 1 else adoption.whole(root, need.paths[0])
            made = claim(shelf, replace(one, source=None))
            claims.append(replace(made, source=need.source))
        else:
            one = replace(found[0], pieces=tuple(p for each in found for p in each.pieces))
            claims.append(claim(shelf, one, need.source))
    return claims, tuple(lines)


def _plan(shelf: Shelf, models: Sequence[LockedModel], made: Claim, *, forced: bool) -> Plan:
    here = {piece.path for piece in made.found.pieces if piece.there}
    for model in models:
        if here <= {file.path for file in model.files} and not (
            forced and (not made.stated or not same(model.source, made.source))
        ):
            return Plan(made, model)
    return Plan(made)


def _show(shelf: Shelf, plans: Sequence[Plan]) -> None:
    if not plans:
        return
    terminal.out(f"models in {shelf.store.folder}\n")
    rows = []
    for plan in plans:
        found = plan.claim.found
        count = sum(piece.there for piece in found.pieces)
        rows.append((found.path, plan.name, str(count), size(found.size), plan.claim.by))
    terminal.out(table(("PATH", "MODEL", "FILES", "SIZE", "WHOSE HASHES"), rows))
    for plan in plans:
        if plan.claim.left_out:
            names = ", ".join(plan.claim.left_out[:_SHOWN])
            more = len(plan.claim.left_out) - _SHOWN
            terminal.out(
                f"\n{plan.name}: its publisher does not know, so left out: {names}"
                + (f" and {more} more" if more > 0 else "")
            )
        if plan.claim.stated and plan.claim.source.kind is Kind.FILE:
            terminal.out(
                f"\n{plan.name}: the Hub's hash is known, its name is not, so it could not be "
                f"repaired. If you know it:\n  stackctl models adopt {plan.claim.found.path} "
                "--source hf:org/name"
            )
    terminal.out("")


def _take(shelf: Shelf, plan: Plan) -> bool:
    """Hash it and lock it; whether all is well."""
    with shelf.store.exclusive(
        plan.name, "models adopt", lambda h: terminal.out(f"{plan.name}: waiting for {h}")
    ):
        if plan.locked:
            rest = _unsure(shelf, plan.locked)
            return _checked(shelf, plan, plan.locked, rest) if rest else True
        if not plan.claim.stated:
            return _take_own(shelf, plan)
        model = plan.claim.model
        shelf.change(lambda models: lock.put(_replaced(models, model), model))
        there = {piece.path for piece in plan.claim.found.pieces if piece.there}
        return _checked(shelf, plan, model, [f for f in model.files if f.path in there])


def _checked(shelf: Shelf, plan: Plan, model: LockedModel, chosen: Sequence[LockedFile]) -> bool:
    """Hash files of a locked model, and tell what is wrong with it."""
    right, wrong = hashes.check(shelf, chosen)
    for each in wrong:
        terminal.out(f"error: {each.file.path}: {each.text}")
    missing = [f for f in model.files if shelf.store.stamp(f.path) is None]
    for file in missing[:_SHOWN]:
        terminal.out(f"error: {file.path}: belongs to {plan.name}, but is not there")
    if len(missing) > _SHOWN:
        terminal.out(f"error: {len(missing) - _SHOWN} more files of {plan.name} are not there")
    if wrong or missing:
        if wrong and model.source.kind is Kind.HUB and model.revision:
            _state_sizes(shelf, model)
        fix = f"stackctl models repair {plan.name}"
        if model.source.kind is Kind.FILE:
            fix = f"get it again, or if it is right as it is: {_again(plan)}"
        terminal.out(f"  fix: {fix}")
        return False
    problems = _problems(shelf, plan.claim.found)
    for problem in problems:
        terminal.out(f"error: {problem}\n  cause: the publisher's file is so: its hash is right")
    if not problems:
        files = f"{len(right)} file{'s' * (len(right) != 1)}"
        terminal.out(f"{plan.name}: {files}, every hash is right")
    return not problems


def _take_own(shelf: Shelf, plan: Plan) -> bool:
    """Nobody states its hashes: they are taken as they are, if it looks like a model at all."""
    if problems := _problems(shelf, plan.claim.found):
        for problem in problems:
            terminal.out(f"error: {problem}")
        terminal.out(f"  fix: get it again; {plan.name} was not adopted")
        return False
    pieces = [piece for piece in plan.claim.found.pieces if piece.there]
    total = sum(piece.size for piece in pieces)
    files = []
    with progress("hashing", total) as bar:
        pace = Pace(told=lambda count: bar.advance("hashing", count, total))
        tasks = [Task(shelf.store.folder / piece.path, _NONE) for piece in pieces]
        for piece, found in zip(pieces, hash_files(tasks, pace, hashes.THREADS), strict=True):
            if found.problem or not found.stamp:
                terminal.out(f"error: {piece.path}: {found.problem}\n  fix: try again")
                return False
            shelf.store.chains.save(found.hex, found.chain)
            files.append(
                LockedFile(
                    piece.path,
                    piece.origin,
                    found.stamp.size,
                    Digest(Algorithm.SHA256, found.hex),
                    now(),
                    found.stamp,
                )
            )
    model = LockedModel(plan.claim.source, "", tuple(files), stated=False)
    shelf.change(lambda models: lock.put(_replaced(models, model), model))
    count = f"{len(files)} file{'s' * (len(files) != 1)}"
    terminal.out(f"{plan.name}: {count}; nobody vouches for the hashes: they are of what is here")
    return True


def _replaced(models: Sequence[LockedModel], model: LockedModel) -> tuple[LockedModel, ...]:
    """Without what had these files under hashes of our own: there is a better word now."""
    paths = {file.path for file in model.files}
    return tuple(
        old
        for old in models
        if old.source.kind is not Kind.FILE or not {f.path for f in old.files} <= paths
    )


def _state_sizes(shelf: Shelf, model: LockedModel) -> None:
    """A damaged file may have another size than the publisher's, which repair has to know."""
    try:
        listing = shelf.listing(replace(model.source, revision=model.revision))
    except StackError:
        return
    sizes = {(file.path, file.digest): file.size for file in listing.files}

    def stated(old: LockedModel) -> LockedModel:
        if old.source != model.source:
            return old
        files = (replace(f, size=sizes.get((f.origin, f.digest), f.size)) for f in old.files)
        return replace(old, files=tuple(files))

    shelf.change(lambda models: tuple(map(stated, models)))


def _unsure(shelf: Shelf, model: LockedModel) -> list[LockedFile]:
    """What has to be hashed of a model that the lock has."""
    files = model.files
    return [f for f in files if judge(f, shelf.store.stamp(f.path)) is not State.GOOD]


def _problems(shelf: Shelf, found: Found) -> tuple[str, ...]:
    path = shelf.store.folder / found.path
    if path.is_dir() and found.source and found.source.include:  # others may lie beside it
        files = ((shelf.store.folder / p.path, p.origin) for p in found.pieces if p.there)
        return tuple(problem for at, name in files for problem in formats.structure(at, name))
    return formats.scan(path)


def _again(plan: Plan) -> str:
    path = Path(plan.claim.found.path)
    return f"stackctl models adopt {path} --source file:{path}"
