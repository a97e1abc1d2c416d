"""What pull and update share: a plan per model, whether there is room for all, carrying one out."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from stackctl.commands.models import damages, fetch, hashes, publisher, receipts, reuse
from stackctl.commands.models.fetch import say
from stackctl.commands.models.shelf import Shelf
from stackctl.model import Listing, LockedFile, LockedModel, StackError
from stackctl.models import lock
from stackctl.models import source as sources
from stackctl.models.formats import structure
from stackctl.models.state import State, judge, no_hash
from stackctl.report import table
from stackctl.system import files, terminal
from stackctl.system.progress import duration, size
from stackctl.system.web import NETWORK

_TO_FETCH = (State.MISSING, State.BAD)


@dataclass(frozen=True, slots=True)
class Plan:
    """One model and the state of each of its files. `listing` is there if its publisher was asked,
    `old` is what the lock has of it if that is to be replaced."""

    model: LockedModel
    states: tuple[tuple[LockedFile, State], ...]
    listing: Listing | None = None
    old: LockedModel | None = None

    def of(self, *states: State) -> tuple[LockedFile, ...]:
        return tuple(file for file, state in self.states if state in states)

    @property
    def to_fetch(self) -> tuple[LockedFile, ...]:
        return self.of(*_TO_FETCH)

    @property
    def done(self) -> bool:
        return self.listing is None and len(self.of(State.GOOD)) == len(self.states)

    @property
    def in_place(self) -> bool:
        """Whether files of the old revision lie where those of the new one belong."""
        before = {file.path: file.digest for file in self.old.files} if self.old else {}
        return any(before.get(f.path, f.digest) != f.digest for f in self.model.files)


def look(
    shelf: Shelf,
    model: LockedModel,
    listing: Listing | None = None,
    old: LockedModel | None = None,
) -> Plan:
    """The plan for a model, by what stat says; what the lock knows of its contents counts."""
    known = {(f.path, f.digest): f for m in shelf.models for f in m.files}
    model = replace(
        model, files=tuple(known.get((file.path, file.digest), file) for file in model.files)
    )
    states = tuple((file, judge(file, shelf.store.stamp(file.path))) for file in model.files)
    return Plan(model, states, listing, old)


def show(shelf: Shelf, plans: Sequence[Plan]) -> None:
    """What is good, what is to be done, how much, from where."""
    header = ("MODEL", "REVISION", "FILES", "SIZE", "GOOD", "TO CHECK", "TO FETCH", "FROM")
    rows = [
        (
            sources.spec(plan.model.source),
            _revision(plan),
            str(len(plan.states)),
            size(sum(file.size for file in plan.model.files)),
            _sum(plan.of(State.GOOD)),
            _sum(plan.of(State.UNSURE)),
            _sum(plan.to_fetch),
            publisher.host(shelf, plan.model),
        )
        for plan in plans
    ]
    say(f"models in {shelf.store.folder}\n\n{table(header, rows)}\n")


def check_room(shelf: Shelf, plans: Sequence[Plan]) -> None:
    """Say how much is to come in all; a StackError if there is no room for it."""
    missing = [file for plan in plans for file in plan.to_fetch]
    if not missing:
        return
    # what is here under another name is given a second one, or copied where it is small
    here = reuse.known(shelf, missing)
    missing = [file for file in missing if file.digest not in here]
    needed, begun = fetch.bytes_of(missing), fetch.begun(shelf, missing)
    free = files.space(str(shelf.store.folder)).free_mib << 20
    parts = [f"to fetch: {size(needed)}"]
    if begun:
        parts.append(f"{size(begun)} of it is here from a download that broke off")
    if here:
        parts.append(f"{plural(len(here), 'content')} here already under another name")
    say(f"{', '.join(parts)}; {size(free)} are free")
    if needed - begun > free:
        raise StackError(
            f"{size(needed - begun)} are to be fetched, and {shelf.store.folder} has "
            f"{size(free)} free",
            fix="make room (stackctl models prune), or set MODELS_DIR in env/stack.env to a "
            "larger disk",
        )


@contextmanager
def alone(shelf: Shelf, model: LockedModel, verb: str) -> Iterator[None]:
    """Be the only one at work on a model; whoever has to wait is told for whom."""
    name = sources.spec(model.source)
    with shelf.store.exclusive(
        name, f"models {verb}", lambda holder: say(f"{name}: waiting for {holder}")
    ):
        yield


def carry_out(shelf: Shelf, plan: Plan, verb: str) -> bool:
    """Everything that is not good yet; whether all is well in the end."""
    with alone(shelf, plan.model, verb):
        plan = _again(shelf, plan)
        model = plan.model
        if plan.listing and (plan.in_place or not plan.old):
            # from now on this is what belongs here: a later pull goes on with it
            shelf.change(lambda models: lock.put(models, model))
        # of a large file that is known to be wrong, which ranges are?
        bad = [file for file in plan.of(State.BAD) if damages.has_chain(shelf, file)]
        right, wrong = hashes.check(shelf, [*plan.of(State.UNSURE), *bad])
        hashes.report(wrong)
        for each in wrong:
            damages.check_readable(shelf, each)
        missing = [f for f in plan.to_fetch if f not in bad] + [_told(each) for each in wrong]
        taken = reuse.take(shelf, missing, reuse.held(shelf, missing)) if missing else ()
        here = {file.path for file in taken}
        missing = [file for file in missing if file.path not in here]
        began = time.monotonic()
        begun = {each.file.path for each in wrong if damages.begin(shelf, damages.of(model, each))}
        fetched, failures = _bring(shelf, plan, missing, begun)
        seconds = time.monotonic() - began
        fetch.all_failed(failures)
        for file in missing:
            if failures and file.path in begun:
                damages.undo(shelf, file)
        new = {file.path: file for file in (*right, *taken, *fetched)}
        model = replace(model, files=tuple(new.get(f.path, f) for f in model.files))
        if failures:
            return False
        shelf.change(lambda models: lock.put(models, model))
        receipts.write(shelf, model, plan.listing)
    return _structure(shelf, model, fetched, seconds)


def _bring(
    shelf: Shelf, plan: Plan, missing: Sequence[LockedFile], begun: Collection[str]
) -> tuple[tuple[LockedFile, ...], tuple[StackError, ...]]:
    model = plan.model
    if missing and not publisher.vouches(model):
        say(publisher.bring(shelf, model, missing))
        name = sources.spec(model.source)
        text = f"{name}: nobody can be asked for {len(missing)} of its files"
        return (), (StackError(text, fix=f"bring them, or: stackctl models adopt {name}"),)
    # what the old revision had there is its publisher's, and no change by the owner
    ours = {f.path for f in plan.old.files} if plan.old and plan.in_place else set()
    fetched, failures = fetch.files(shelf, model, missing, replaced=ours | set(begun))
    if any(failure.fix != NETWORK for failure in failures) and not plan.listing:
        try:
            publisher.check(shelf, model, missing)
        except StackError as error:
            if "the publisher" in error.message:  # it says it better than the answer to a range
                failures = (*failures, error)
    return fetched, failures


def _again(shelf: Shelf, plan: Plan) -> Plan:
    """Somebody else may have been at work while we waited."""
    now = lock.find(shelf.models, plan.model.source)
    if now and (plan.old is None or now.revision == plan.model.revision):
        same = now.revision == plan.model.revision
        return look(shelf, now, plan.listing if same else None)
    return look(shelf, plan.model, plan.listing, plan.old)


def _told(each: hashes.Wrong) -> LockedFile:
    wrong = each.found.hex or no_hash(each.file)
    return replace(each.file, stamp=each.found.stamp, wrong=wrong)


def _structure(
    shelf: Shelf, model: LockedModel, fetched: Sequence[LockedFile], seconds: float
) -> bool:
    """Right by its hash, and still no model: then its publisher has a broken file."""
    name = sources.spec(model.source)
    problems = [p for file in model.files for p in structure(shelf.path(file), file.origin)]
    for problem in problems:
        say(f"error: {problem}\n  cause: the publisher's file is so: its hash is right")
    if problems:
        return False
    text = f"{name}: {plural(len(model.files), 'file')}, every hash is right"
    if fetched:
        count = fetch.bytes_of(fetched)
        rate = size(count / max(seconds, 0.001))
        text += f"; {size(count)} in {duration(seconds)}, {rate}/s"
    say(text)
    return True


def _revision(plan: Plan) -> str:
    new = plan.model.revision[:12]
    return f"{plan.old.revision[:12]} -> {new}" if plan.old else new


def _sum(chosen: Sequence[LockedFile]) -> str:
    return size(sum(file.size for file in chosen)) if chosen else "-"


def plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def all_of(shelf: Shelf, plans: Sequence[Plan], verb: str) -> list[LockedModel]:
    """Carry out all plans -> the models that are not complete. One does not stop the others."""
    left = []
    for plan in plans:
        try:
            if plan.done:
                receipts.name_again(shelf, plan.model)
            elif not carry_out(shelf, plan, verb):
                left.append(plan.model)
        except StackError as error:
            fetch.failed(error)
            left.append(plan.model)
    return left


def ended(left: Sequence[LockedModel], failed: Sequence[StackError]) -> int:
    """The last line of a command, and its exit code."""
    if left:
        names = ", ".join(sources.spec(model.source) for model in left)
        terminal.out(f"\nnot complete: {names}; what is right is kept, the same command goes on")
        return 1
    return max((error.exit_code for error in failed), default=0)
