"""Hashing what is adopted, and taking it into the lock: what is right, and what is wrong too."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from stackctl.commands.models import hashes
from stackctl.commands.models.claims import Claim
from stackctl.commands.models.shelf import Shelf, now
from stackctl.model import Algorithm, Digest, Kind, LockedFile, LockedModel, StackError
from stackctl.models import formats, lock
from stackctl.models import source as sources
from stackctl.models.adoption import Found
from stackctl.models.state import State, judge
from stackctl.system import terminal
from stackctl.system.hashing import Pace, Task, hash_files
from stackctl.system.progress import progress

#: a hash that no file has, for those of which none is known
_NONE = Digest(Algorithm.SHA256, "0" * 64)
_SHOWN = 5
#: how formats tell of a hole; zeros that `rsync -S` or `cp --sparse` left out are holes as well
_HOLE = "were never written"


@dataclass(frozen=True, slots=True)
class Plan:
    """One model; `locked` is what the lock has of it already. `changed` if that is not what is
    here, and the user named it: then the change was meant. `insisted` if they named a source."""

    claim: Claim
    locked: LockedModel | None = None
    changed: bool = False
    insisted: bool = False

    @property
    def name(self) -> str:
        return sources.spec(self.locked.source if self.locked else self.claim.source)


def take(shelf: Shelf, plan: Plan) -> bool:
    """Hash it and lock it; whether all is well."""
    with shelf.store.exclusive(
        plan.name, "models adopt", lambda h: terminal.out(f"{plan.name}: waiting for {h}")
    ):
        if plan.locked:
            rest = unsure(shelf, plan.locked)
            here = [file for file in rest if shelf.store.stamp(file.path)]
            return _checked(shelf, plan, plan.locked, here) if rest else True
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
            fix = f"if the change was meant: {_again(plan)}; else get it again"
        terminal.out(f"  fix: {fix}")
        return False
    # byte by byte what its publisher has, so no hole is damage
    problems = [p for p in _problems(shelf, plan.claim.found) if not p.endswith(_HOLE)]
    for problem in problems:
        terminal.out(f"error: {problem}\n  cause: the publisher's file is so: its hash is right")
    if not problems:
        files = f"{len(right)} file{'s' * (len(right) != 1)}"
        terminal.out(f"{plan.name}: {files}, every hash is right")
    return not problems


def _take_own(shelf: Shelf, plan: Plan) -> bool:
    """Nobody states its hashes: they are taken as they are, if it looks like a model at all."""
    problems = _problems(shelf, plan.claim.found)
    holes = [problem for problem in problems if problem.endswith(_HOLE)]
    if plan.insisted:
        problems = tuple(problem for problem in problems if problem not in holes)
    if problems:
        for problem in problems:
            terminal.out(f"error: {problem}")
        meant = f"if these zeros are meant: {_again(plan)}; else " if holes else ""
        terminal.out(f"  fix: {meant}get it again; {plan.name} was not adopted")
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
    since = ", changed since it was adopted" if plan.changed else ""
    terminal.out(
        f"{plan.name}: {count}{since}; nobody vouches for the hashes: they are of what is here"
    )
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


def unsure(shelf: Shelf, model: LockedModel) -> list[LockedFile]:
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
    path = plan.claim.found.path
    return f"stackctl models adopt {shlex.quote(path)} --source {shlex.quote(f'file:{path}')}"
