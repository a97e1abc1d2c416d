"""`stackctl models update`: on to what the publisher has now. Pull never does that.

Of a model in the Hub's layout the new revision lies beside the old one, and its name means the old
one until all of the new is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from stackctl.commands.models import carry, fetch, orphans, publisher, users
from stackctl.commands.models.carry import Plan
from stackctl.commands.models.fetch import say
from stackctl.commands.models.shelf import Shelf, locked, open_shelf
from stackctl.model import Kind, LockedModel, StackError
from stackctl.models import layout, lock
from stackctl.models import source as sources
from stackctl.system import terminal


def update(texts: Sequence[str], *, dry_run: bool) -> int:
    """Move the models of the lock on, all or those that are named."""
    with fetch.interruptible():
        shelf = open_shelf()
        models = locked(texts, shelf)
        if not models:
            terminal.out(f"no model is in {shelf.store.lock_file}: stackctl models pull")
            return 0
        plans, failed = _plans(shelf, models)
        if plans:
            say("")
            carry.show(shelf, plans)
            carry.check_room(shelf, plans)
        if dry_run:
            terminal.out("nothing was done")
            return 1 if failed else 0

        # --- border: from here on the models' folder is changed ---
        notes = {plan.model.source: _note(shelf, plan) for plan in plans}
        left = carry.all_of(shelf, plans, "update")
        for plan in plans:
            if plan.model not in left:
                with suppress(OSError):
                    notes[plan.model.source].unlink()
                _after(shelf, plan)
        return carry.ended(left, failed)


def _plans(shelf: Shelf, models: Sequence[LockedModel]) -> tuple[list[Plan], list[StackError]]:
    plans: list[Plan] = []
    failed: list[StackError] = []
    for model in models:
        name = sources.spec(model.source)
        try:
            plan = _plan(shelf, model)
        except StackError as error:
            fetch.failed(error)
            failed.append(error)
            continue
        if plan is None:
            say(f"{name}: {_why(model)}")
        else:
            plans.append(plan)
    return plans, failed


def _plan(shelf: Shelf, old: LockedModel) -> Plan | None:
    """None if there is nothing new."""
    if not publisher.vouches(old) or old.source.kind is Kind.URL:
        return None
    listing = shelf.listing(old.source)
    files = layout.place(listing, _folder(old))
    new = LockedModel(old.source, listing.revision, files)
    before = {(file.path, file.digest) for file in old.files}
    if new.revision == old.revision and before == {(f.path, f.digest) for f in files}:
        return None
    return carry.look(shelf, new, listing, old)


def _why(model: LockedModel) -> str:
    if model.source.kind is Kind.URL:
        return "stays: its source states the hash; to move on, pull it with another"
    if not publisher.vouches(model):
        return "stays: it was adopted, nobody publishes it"
    if model.source.revision == model.revision:
        return "stays: its source names this commit"
    return f"nothing new, the publisher has {model.revision[:12]} as well"


def _folder(model: LockedModel) -> str:
    """The folder that its owner chose for it (--to); "" for its publisher's own layout."""
    if model.source.kind is Kind.OLLAMA or not model.files:
        return ""
    path = model.files[0].path
    return "" if path.startswith("huggingface/hub/") else str(PurePosixPath(path).parent)


def _note(shelf: Shelf, plan: Plan) -> Path:
    key = hashlib.sha256(repr(plan.model.source).encode()).hexdigest()[:16]
    return orphans.under_way(shelf, plan.to_fetch, key)


def _after(shelf: Shelf, plan: Plan) -> None:
    name = sources.spec(plan.model.source)
    now = lock.find(shelf.models, plan.model.source) or plan.model
    if plan.old and not plan.in_place:
        say(f"{name}: the files of {plan.old.revision[:12]} stay until: stackctl models prune")
    using = users.of_model(shelf, plan.old or now)
    for use in using:
        say(f"{use.name} still runs with the old files: {use.restart}")
