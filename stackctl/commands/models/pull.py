"""`stackctl models pull` and `update`: plan -> border -> fetch what is missing -> prove -> lock."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from stackctl.commands.models import fetch, hashes
from stackctl.commands.models.shelf import Shelf, Want, named, open_shelf, usual
from stackctl.model import Kind, LockedFile, LockedModel, StackError
from stackctl.models import hub_cache, layout, lock
from stackctl.models import source as sources
from stackctl.models.formats import structure
from stackctl.models.state import State, judge
from stackctl.report import table
from stackctl.system import files, terminal
from stackctl.system.progress import size


@dataclass(frozen=True, slots=True)
class Plan:
    """One model and the state of each of its files; `fresh` if it is not in the lock like this."""

    model: LockedModel
    states: tuple[tuple[LockedFile, State], ...]
    fresh: bool

    def of(self, *states: State) -> tuple[LockedFile, ...]:
        return tuple(file for file, state in self.states if state in states)

    @property
    def done(self) -> bool:
        return not self.fresh and len(self.of(State.GOOD)) == len(self.states)


def pull(
    texts: Sequence[str],
    *,
    folder: str = "",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    update: bool = False,
    dry_run: bool = False,
) -> int:
    """Bring models here, whole and proven; without names those that the stack needs."""
    shelf = open_shelf()
    wanted = _patterns(named(texts, shelf), texts, folder, include, exclude)
    if not wanted:
        terminal.out("no service of the stack names a model: docs/models.md says how")
        return 0
    plans = [_plan(shelf, want, update=update) for want in wanted]
    _show(shelf, plans)
    _check_room(shelf, plans)
    if dry_run:
        terminal.out("\nnothing was done")
        return 0

    # --- border: from here on the models' folder is changed ---
    failed = [plan for plan in plans if not plan.done and not _carry_out(shelf, plan)]
    if failed:
        names = ", ".join(sources.spec(plan.model.source) for plan in failed)
        terminal.out(f"\nnot complete: {names}; what has arrived is kept, and pull goes on with it")
        return 1
    return 0


def _patterns(
    wanted: Sequence[Want],
    texts: Sequence[str],
    folder: str,
    include: Sequence[str],
    exclude: Sequence[str],
) -> list[Want]:
    """What the user asks for beside the source goes with every source that was named."""
    if not (folder or include or exclude):
        return list(dict.fromkeys(wanted))
    if not texts or any(want.service for want in wanted):
        raise StackError(
            "--to, --include and --exclude go with a source",
            fix="stackctl models pull hf:org/name --include '*.json'",
            exit_code=2,
        )
    return [
        Want(usual(replace(w.source, exclude=()), include, exclude), folder or w.folder)
        for w in wanted
    ]


def _plan(shelf: Shelf, want: Want, *, update: bool) -> Plan:
    """What is locked is fetched as it is locked; else the publisher is asked."""
    old = lock.find(shelf.models, want.source)
    if old and not update:
        return _look(shelf, old, fresh=False)
    if want.source.kind is Kind.FILE:
        raise StackError(
            f"{sources.spec(want.source)}: it is on this disk already",
            fix=f"stackctl models adopt {want.source.name}",
            exit_code=2,
        )
    listing = shelf.listing(want.source)
    placed = layout.place(listing, want.folder)
    model = LockedModel(want.source, listing.revision, placed)
    if old and old.revision == model.revision:
        return _look(shelf, old, fresh=False)
    known = {(f.path, f.digest): f for m in shelf.models for f in m.files}
    seen = tuple(known.get((file.path, file.digest), file) for file in placed)
    return _look(shelf, replace(model, files=seen), fresh=True)


def _look(shelf: Shelf, model: LockedModel, *, fresh: bool) -> Plan:
    states = tuple((file, judge(file, shelf.store.stamp(file.path))) for file in model.files)
    return Plan(model, states, fresh)


def _show(shelf: Shelf, plans: Sequence[Plan]) -> None:
    rows = [
        (
            sources.spec(plan.model.source),
            plan.model.revision[:12],
            str(len(plan.states)),
            size(sum(file.size for file in plan.model.files)),
            _sum(plan.of(State.GOOD)),
            _sum(plan.of(State.UNSURE)),
            _sum(plan.of(State.MISSING, State.BAD)),
        )
        for plan in plans
    ]
    terminal.out(f"models in {shelf.store.folder}\n")
    terminal.out(
        table(("MODEL", "REVISION", "FILES", "SIZE", "GOOD", "TO CHECK", "TO FETCH"), rows)
    )


def _sum(chosen: Sequence[LockedFile]) -> str:
    return size(sum(file.size for file in chosen)) if chosen else "-"


def _check_room(shelf: Shelf, plans: Sequence[Plan]) -> None:
    needed = sum(f.size for p in plans for f in p.of(State.MISSING, State.BAD))
    needed -= fetch.allocated(shelf, [f for p in plans for f in p.of(State.MISSING, State.BAD)])
    free = files.space(str(shelf.store.folder)).free_mib << 20
    if needed > free:
        raise StackError(
            f"{size(needed)} are to be fetched, and {shelf.store.folder} has {size(free)} free",
            fix="make room (stackctl models prune), or set MODELS_DIR in env/stack.env to a "
            "larger disk",
        )


def _carry_out(shelf: Shelf, plan: Plan) -> bool:
    """Everything that is not good yet; whether all is well in the end."""
    name = sources.spec(plan.model.source)
    with ExitStack() as stack:
        stack.enter_context(
            shelf.store.exclusive(
                name, "models pull", lambda holder: terminal.out(f"{name}: waiting for {holder}")
            )
        )
        model = plan.model
        if not plan.fresh:  # somebody else may have been at work while we waited
            model = lock.find(shelf.models, model.source) or model
        elif lock.find(shelf.models, model.source) is None:
            shelf.change(lambda models: lock.put(models, model))
        plan = _look(shelf, model, fresh=plan.fresh)
        unsure, wrong = hashes.check(shelf, plan.of(State.UNSURE))
        hashes.report(wrong)
        fetched, failures = fetch.files(
            shelf, model, [*plan.of(State.MISSING, State.BAD), *(w.file for w in wrong)]
        )
        for failure in failures:
            terminal.out(f"error: {failure.message}\n  fix: {failure.fix}")
        new = {file.path: file for file in (*unsure, *fetched)}
        model = replace(model, files=tuple(new.get(f.path, f) for f in model.files))
        if failures:
            shelf.record(tuple(new.values()))
            return False
        shelf.change(lambda models: lock.put(models, model))
        _write_receipts(shelf, model)
    return _structure(shelf, model)


def _write_receipts(shelf: Shelf, model: LockedModel) -> None:
    """What huggingface_hub keeps beside its files, so that engines find the model by name."""
    for path, text in hub_cache.extras(model, time.time()).items():
        files.write(shelf.store.folder / path, text)


def _structure(shelf: Shelf, model: LockedModel) -> bool:
    """Right by its hash, and still no model: then its publisher has a broken file."""
    name = sources.spec(model.source)
    problems = [p for file in model.files for p in structure(shelf.path(file), file.origin)]
    for problem in problems:
        terminal.out(f"error: {problem}\n  cause: the publisher's file is so: its hash is right")
    if not problems:
        terminal.out(f"{name}: {len(model.files)} files, every hash is right")
    return not problems
