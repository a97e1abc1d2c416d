"""`stackctl models adopt`: models that nobody pulled with stackctl come into the lock."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from stackctl.commands.models import needs
from stackctl.commands.models.claims import Claim, claim, own
from stackctl.commands.models.shelf import Shelf, canonical, open_shelf, same, usual
from stackctl.commands.models.taking import Plan, take, unsure
from stackctl.model import Kind, LockedModel, Source, StackError
from stackctl.models import adoption
from stackctl.models import source as sources
from stackctl.report import table
from stackctl.system import terminal
from stackctl.system.progress import size

_SHOWN = 5


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
    claims = _one_of_each(shelf, models, claims)
    exact = {str(needs.below(shelf, path).relative_to(shelf.store.folder)) for path in paths}
    plans = [
        _plan(shelf, models, each, forced=wanted is not None, meant=each.found.path in exact)
        for each in claims
    ]
    new = [plan for plan in plans if plan.locked is None]
    _show(shelf, new)
    for plan in plans:
        if plan.locked and not unsure(shelf, plan.locked):
            terminal.out(f"{plan.name}: in the lock already")
    if not plans and not absent:
        terminal.out("all models that the stack names are in the lock")
    if dry_run:
        terminal.out("nothing was done")
        return 0

    # --- border: from here on the lock is changed ---
    well = [take(shelf, plan) for plan in plans]
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


def _one_of_each(
    shelf: Shelf, models: Sequence[LockedModel], claims: Sequence[Claim]
) -> list[Claim]:
    """A source is locked once, so further copies of a model go by their path, with its hashes."""
    homes = {
        model.source: {_home(file.path) for file in model.files}
        for model in models
        if any(shelf.store.stamp(file.path) for file in model.files)
    }
    made = []
    for each in claims:
        home = {_home(piece.path) for piece in each.found.pieces}
        if each.stated and homes.setdefault(each.source, home).isdisjoint(home):
            name, path = sources.spec(each.source), each.found.path
            terminal.out(f"{path}: a second copy of {name}, so it is locked as file:{path}")
            each = replace(each, source=Source(Kind.FILE, path))
        made.append(each)
    return made


def _home(path: str) -> str:
    """Where a file lies; of the Hub's cache all revisions are at home in one place."""
    head, mark, _ = path.partition("/snapshots/")
    return head if mark else path.rpartition("/")[0]


def _plan(
    shelf: Shelf, models: Sequence[LockedModel], made: Claim, *, forced: bool, meant: bool
) -> Plan:
    """`forced` by a --source; `meant` is what the user named itself, and not a folder around it."""
    here = {piece.path for piece in made.found.pieces if piece.there}
    for model in models:
        if not here <= {file.path for file in model.files}:
            continue
        if forced and (not made.stated or not same(model.source, made.source)):
            return Plan(made, insisted=True)
        if meant and not model.stated and not made.stated and unsure(shelf, model):
            again = replace(made, source=model.source)
            return Plan(again, changed=True)
        return Plan(made, model)
    return Plan(made, insisted=forced)


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
        found = plan.claim.found
        if plan.claim.left_out:
            names = ", ".join(plan.claim.left_out[:_SHOWN])
            more = len(plan.claim.left_out) - _SHOWN
            terminal.out(
                f"\n{plan.name}: its publisher does not know, so left out: {names}"
                + (f" and {more} more" if more > 0 else "")
            )
        if plan.claim.stated and plan.claim.source.kind is Kind.FILE and not found.source:
            terminal.out(
                f"\n{plan.name}: the Hub's hash is known, its name is not, so it could not be "
                f"repaired. If you know it:\n  stackctl models adopt {found.path} "
                "--source hf:org/name"
            )
    terminal.out("")
