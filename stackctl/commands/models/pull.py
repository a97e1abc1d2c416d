"""`stackctl models pull`: plan -> border -> fetch what is missing -> prove -> lock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from stackctl import facts
from stackctl.commands import plan as stack_plan
from stackctl.commands.models import carry, fetch, orphans
from stackctl.commands.models.carry import Plan
from stackctl.commands.models.fetch import say
from stackctl.commands.models.shelf import Shelf, Want, open_shelf, usual, wants
from stackctl.model import Kind, LockedModel, Service, Source, StackError
from stackctl.models import layout, lock
from stackctl.models import source as sources
from stackctl.models.state import State
from stackctl.system import terminal


def pull(
    texts: Sequence[str],
    *,
    folder: str = "",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    dry_run: bool = False,
) -> int:
    """Bring models here, whole and proven; without names those that the stack needs."""
    with fetch.interruptible():
        shelf = open_shelf()
        wanted, silent = _wanted(shelf, texts, folder, include, exclude)
        code = max((_without_source(service) for service in silent), default=0)
        plans, failed = _plans(shelf, wanted, len(texts) == 1)
        local = [want for want in wanted if want.source.kind is Kind.FILE]
        code = max([code, *(_is_here(shelf, want) for want in local)])
        if not plans and not failed:
            if not (local or silent):
                terminal.out("no service of the stack names a model: docs/models.md says how")
            return code
        if plans:
            carry.show(shelf, plans)
            carry.check_room(shelf, plans)
        if dry_run:
            terminal.out("nothing was done")
            return 1 if failed else code

        # --- border: from here on the models' folder is changed ---
        left = carry.all_of(shelf, plans, "pull")
        if not (left or failed or texts):
            orphans.clean(shelf)
        if all(plan.done for plan in plans) and not failed:
            say("everything is here, and every hash was right when it was taken")
        return carry.ended(left, failed) or code


def _wanted(
    shelf: Shelf,
    texts: Sequence[str],
    folder: str,
    include: Sequence[str],
    exclude: Sequence[str],
) -> tuple[list[Want], list[Service]]:
    """What the user named, by source or role, else what the stack needs; and the services of which
    nobody said where their model comes from."""
    roles = [text for text in texts if ":" not in text and "/" not in text]
    found = [Want(usual(sources.parse(text))) for text in texts if text not in roles]
    if folder or include or exclude:
        if roles or not texts:
            raise StackError(
                "--to, --include and --exclude go with a source",
                fix="stackctl models pull hf:org/name --include '*.json'",
                exit_code=2,
            )
        # what the user asks for beside the source goes with every source that was named
        found = [
            Want(usual(replace(w.source, exclude=()), include, exclude), folder) for w in found
        ]
    if texts and not roles:
        return list(dict.fromkeys(found)), []
    services = stack_plan.select(stack_plan.resolve(shelf.config).services, roles)
    needed = {service.name: wants([service]) for service in services}
    silent = [s for s in services if not needed[s.name] and s.model and facts.model_on_host(s)]
    found += [want for each in needed.values() for want in each]
    return _distinct(found), silent


def _distinct(found: Iterable[Want]) -> list[Want]:
    """Two services may need one model."""
    return list({(want.source, want.folder): want for want in found}.values())


def _without_source(service: Service) -> int:
    """Nobody said where its model comes from; that matters where it is not here."""
    role = service.role.upper().replace("-", "_")
    say(
        f"{service.role}: name where {role}_MODEL comes from: {role}_SOURCE=hf:... in "
        "env/stack.env (docs/models.md)"
    )
    path = facts.model_on_host(service)
    if Path(path).exists():
        return 0
    say(f"  its model is not there: {path}")
    return 1


def _plans(shelf: Shelf, wanted: Sequence[Want], only: bool) -> tuple[list[Plan], list[StackError]]:
    """A plan for each; one that cannot be made does not stop the others."""
    plans: list[Plan] = []
    failed: list[StackError] = []
    for want in wanted:
        if want.source.kind is Kind.FILE:
            continue
        try:
            plans.append(_plan(shelf, want))
        except StackError as error:
            if only or len(wanted) == 1:
                raise
            fetch.failed(error)
            failed.append(error)
    return plans, failed


def _plan(shelf: Shelf, want: Want) -> Plan:
    """What is locked is fetched as it is locked; else the publisher is asked."""
    if old := lock.find(shelf.models, want.source):
        if want.folder and not _lies_in(old, want.folder):
            say(f"{sources.spec(want.source)}: is in the lock with another folder, and stays there")
        return carry.look(shelf, old)
    listing = shelf.listing(want.source)
    model = LockedModel(want.source, listing.revision, layout.place(listing, want.folder))
    return carry.look(shelf, model, listing)


def _lies_in(model: LockedModel, folder: str) -> bool:
    if model.source.kind is Kind.OLLAMA:
        return True
    return all(file.path.startswith(f"{folder}/") for file in model.files)


def _is_here(shelf: Shelf, want: Want) -> int:
    """A file of the owner's own: there, and in the lock?"""
    name = sources.spec(want.source)
    path = shelf.store.folder / want.source.name
    if not path.exists():
        say(f"error: {name}: {path} is not there\n  fix: put it there; nobody else has it")
        return 1
    model = _holding(shelf.models, want.source, str(path), str(shelf.store.folder))
    if model is None:
        say(f"{name}: it is here, and not in the lock: stackctl models adopt {path}")
        return 0
    plan = carry.look(shelf, model)
    if plan.to_fetch:
        bad = ", ".join(file.path for file in plan.to_fetch)
        say(f"error: {name}: missing or wrong: {bad}\n  fix: stackctl models repair {name}")
        return 1
    unsure = " (changed since its last hash: stackctl models verify)"
    say(f"{name}: it is here{unsure if plan.of(State.UNSURE) else ', its hash was right'}")
    return 0


def _holding(
    models: Sequence[LockedModel], source: Source, path: str, folder: str
) -> LockedModel | None:
    """The model of the lock to which a file or folder of this disk belongs."""
    if found := lock.find(models, source):
        return found
    return next(
        (
            model
            for model in models
            for file in model.files
            if (full := f"{folder}/{file.path}") == path or full.startswith(f"{path}/")
        ),
        None,
    )
