"""`stackctl models repair`: fetch again what is wrong, and only that; restart what uses it."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace

from stackctl import facts
from stackctl.commands import plan as stack_plan
from stackctl.commands import up
from stackctl.commands.gates import Patience
from stackctl.commands.models import carry, damages, fetch, publisher, receipts, users
from stackctl.commands.models.damages import Damage
from stackctl.commands.models.fetch import say
from stackctl.commands.models.shelf import Models, Shelf, locked, open_shelf
from stackctl.model import LockedModel, Service, StackError
from stackctl.models import lock, quick
from stackctl.models import source as sources
from stackctl.models.formats import structure
from stackctl.models.state import State, judge
from stackctl.report import table
from stackctl.system import files, terminal
from stackctl.system.progress import size

#: as `stackctl restart` has it by default
_PATIENCE = Patience(1800, 300)


def repair(names: Sequence[str], *, yes: bool, dry_run: bool) -> int:
    """Bring locked files back to what their publisher states."""
    with fetch.interruptible():
        shelf = open_shelf()
        models, services = _chosen(shelf, names)
        strange = _strangers(shelf, services)
        if not models and not strange:
            say(f"no model of {', '.join(names) or 'this box'} is in {shelf.store.lock_file}")
            say("  fix: stackctl models pull, or for what is here already: stackctl models adopt")
            return 1 if names else 0
        found = damages.find(shelf, models)
        if not found:
            count = sum(len(model.files) for model in models)
            what = f"{carry.plural(count, 'file')} of {carry.plural(len(models), 'model')}"
            say(f"nothing to repair: {what}, as the lock says")
            return 1 if strange else 0
        _show(shelf, found)
        lost = _unstated(shelf, [each for each in found if not each.stated])
        todo = [each for each in found if each.stated]
        if not todo:
            return 1
        _check_room(shelf, todo)
        using = _users(shelf, todo)
        if dry_run:
            terminal.out("nothing was done")
            return 0
        if not _agreed(using, yes=yes):
            return 1

        # --- border: from here on the models' folder is changed ---
        mended = _mend_all(shelf, todo)
    code = 0 if len(mended) == len(todo) and not lost else 1
    return max(code, _restart(shelf, using, todo, mended), 1 if strange else 0)


def _chosen(shelf: Shelf, names: Sequence[str]) -> tuple[Models, tuple[Service, ...]]:
    """The models that are named by source or role, and those that lie where a role's engine looks;
    the services that are meant."""
    roles = [text for text in names if ":" not in text and "/" not in text]
    if not (roles or not names):
        return locked(names, shelf), ()
    try:
        services = stack_plan.select(stack_plan.resolve(shelf.config).services, roles)
    except StackError as error:
        if roles or error.exit_code == 2:
            raise
        return shelf.models, ()  # without Compose there is no stack to ask
    if not names:
        return shelf.models, services
    models = list(locked([text for text in names if text not in roles], shelf))
    if len(roles) == len(names):
        models = []
    for service in services:
        models += [model for model, _ in _belonging(shelf, service) if model not in models]
    return tuple(models), services


def _belonging(shelf: Shelf, service: Service) -> tuple[quick.Owned, ...]:
    return quick.belonging(shelf.models, facts.models.specs_of(service), _place(shelf, service))


def _place(shelf: Shelf, service: Service) -> str:
    """Where the engine of a service looks, below the models' folder; "" if elsewhere."""
    path = facts.model_on_host(service)
    head = f"{shelf.store.folder}/"
    return path.removeprefix(head) if path.startswith(head) else ""


def _strangers(shelf: Shelf, services: Sequence[Service]) -> bool:
    """Say which broken models cannot be repaired, as nothing is known of them."""
    found = False
    for service in services:
        if quick.covers(_belonging(shelf, service), _place(shelf, service)):
            continue
        broken = facts.damaged_model(service)
        if broken is not None:
            found = True
            say(
                f"error: {service.name}: {broken.path}: {broken.problems[0]}\n"
                "  cause: it is not in the lock, so nothing is known of what it should be\n"
                f"  fix: stackctl models pull {service.role}, if its source is known "
                f"(docs/models.md); stackctl models adopt {shlex.quote(broken.path)} --source ... "
                "if you know whose it is"
            )
    return found


def _show(shelf: Shelf, found: Sequence[Damage]) -> None:
    rows = [
        (publisher.called(d.model, d.file), d.text, d.how, publisher.host(shelf, d.model))
        for d in found
    ]
    say(f"models in {shelf.store.folder}\n")
    say(table(("FILE", "WHAT IS WRONG", "TO FETCH", "FROM"), rows) + "\n")


def _unstated(shelf: Shelf, found: Sequence[Damage]) -> bool:
    """Files that nobody publishes: only their owner can have a copy."""
    for model in {each.model.source: each.model for each in found}.values():
        name = sources.spec(model.source)
        bad = [each.file for each in found if each.model.source == model.source]
        paths = " ".join(shlex.quote(str(shelf.path(file))) for file in bad)
        say(
            f"error: {name}: its hashes were taken when it was adopted, and no publisher has it\n"
            f"  fix: if the change was meant: stackctl models adopt {paths}; else\n"
            f"{publisher.bring(shelf, model, bad)}"
        )
    return bool(found)


def _check_room(shelf: Shelf, todo: Sequence[Damage]) -> None:
    whole = [each.file for each in todo if not each.good]
    needed = sum(each.to_fetch for each in todo) - fetch.begun(shelf, whole)
    free = files.space(str(shelf.store.folder)).free_mib << 20
    if needed > free:
        raise StackError(
            f"{size(needed)} are to be fetched, and {shelf.store.folder} has {size(free)} free",
            fix="make room: stackctl models prune",
        )


def _users(shelf: Shelf, todo: Sequence[Damage]) -> tuple[users.User, ...] | StackError:
    """Who uses these files now; an error where that cannot be known."""
    paths = {each.file.path for each in todo}
    try:
        found = users.of(shelf, paths)
    except StackError as error:
        if "not running" in error.message:  # no daemon, no engine
            return ()
        return error
    for user in found:
        names = sorted(user.paths & paths)
        more = f" and {len(names) - 1} more of these files" if len(names) > 1 else ""
        say(f"{user.name} uses {names[0]}{more}")
    return found


def _agreed(using: tuple[users.User, ...] | StackError, *, yes: bool) -> bool:
    if isinstance(using, StackError):
        what = f"{using.message}, so it is not known who uses these files"
        after = "nothing is restarted after"
    elif using:
        names = [user.name for user in using]
        verb = "uses it; it" if len(names) == 1 else "use it; they"
        what = f"{' and '.join(names)} {verb} will be restarted"
        after = ""
    else:
        return True
    say(what + (f"; {after}" if after else "") + ("" if yes else ": stackctl models repair --yes"))
    if yes:
        return True
    if not (terminal.interactive() and sys.stdin.isatty()):
        return False
    try:
        return input("go on? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _mend_all(shelf: Shelf, todo: Sequence[Damage]) -> set[str]:
    """Paths of the files that are right again."""
    mended: set[str] = set()
    for source in dict.fromkeys(each.model.source for each in todo):
        mine = [each for each in todo if each.model.source == source]
        model = mine[0].model
        with carry.alone(shelf, model, "repair"):
            try:
                publisher.check(shelf, model, [each.file for each in mine])
                mended |= _mend(shelf, model, mine)
            except StackError as error:
                fetch.failed(error)
        if left := [each.file for each in mine if each.file.path not in mended]:
            say(f"\n{sources.spec(source)}: still wrong: {carry.plural(len(left), 'file')}")
            say(publisher.bring(shelf, model, left))
    return mended


def _mend(shelf: Shelf, model: LockedModel, mine: Sequence[Damage]) -> set[str]:
    """One model's files -> the paths of those that are right again."""
    now = lock.find(shelf.models, model.source)
    known = {(file.path, file.digest): file for file in now.files} if now else {}
    mended: set[str] = set()
    left = []
    for each in mine:
        file = known.get((each.file.path, each.file.digest))
        if file is None:
            raise StackError(f"{each.file.path}: is not in the lock any more", fix="try again")
        if judge(file, shelf.store.stamp(file.path)) is State.GOOD:
            mended.add(file.path)  # by whom we waited for
        else:
            left.append(replace(each, file=file))
    seeded = {each.file.path for each in left if damages.begin(shelf, each)}
    fetched, failures = fetch.files(shelf, model, [each.file for each in left], replaced=seeded)
    fetch.all_failed(failures)
    shelf.record(fetched)
    for file in fetched:
        for problem in structure(shelf.path(file), file.origin or file.path):
            say(f"error: {problem}\n  cause: the publisher's file is so: its hash is right")
    here = {file.path for file in fetched}
    for each in left:
        name = publisher.called(model, each.file)
        if each.file.path in here:
            say(f"{name}: right again")
        elif each.file.path in seeded:
            damages.undo(shelf, each.file)
            say(f"{name}: is as it was, what has arrived of it is kept in it")
    if now and not failures:
        receipts.write(shelf, lock.find(shelf.models, model.source) or now)
    return mended | here


def _restart(
    shelf: Shelf,
    using: tuple[users.User, ...] | StackError,
    todo: Sequence[Damage],
    mended: set[str],
) -> int:
    """Those that used a file, once all of theirs are right: they have the wrong bytes in memory."""
    if isinstance(using, StackError):
        return 0
    bad = {each.file.path for each in todo} - mended
    ready = [user for user in using if user.paths.isdisjoint(bad)]
    for user in using:
        if user not in ready:
            say(f"{user.name} is not restarted: not all of its files are right")
        elif not user.ours:
            say(f"{user.name} has the wrong bytes in memory: {user.restart}")
    roles = [user.service.name for user in ready if user.ours]
    if not roles:
        return 0
    say(f"\nrestarting {', '.join(roles)}")
    return up.up(roles, dry_run=False, patience=_PATIENCE, recreate=True)
