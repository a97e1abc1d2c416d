"""`stackctl models prune`: remove what no role needs, after a question."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from stackctl.commands.models import needs, surplus, usage
from stackctl.commands.models.shelf import Shelf, open_shelf
from stackctl.commands.models.surplus import Surplus
from stackctl.model import Service, StackError
from stackctl.models import lock
from stackctl.models import source as sources
from stackctl.report import table
from stackctl.system import terminal
from stackctl.system.docker import Docker
from stackctl.system.durable import fault
from stackctl.system.progress import size


def prune(yes: bool = False, dry_run: bool = False) -> int:
    """Show what is not needed, ask, remove it."""
    shelf = open_shelf()
    locked = shelf.models
    services = needs.everything(shelf).services
    running = _running()
    going = []
    for model in locked:
        if needs.users(shelf, model, services):
            continue
        users = [name for service, name in running if needs.users(shelf, model, (service,))]
        if users:
            name = sources.spec(model.source)
            terminal.out(f"{name}: kept, {' and '.join(users)} uses it: stackctl down, or up")
        else:
            going.append(model)
    left = tuple(model for model in locked if model not in going)
    found = [
        *surplus.models(shelf, locked, going),
        *surplus.snapshots(shelf, locked),
        *surplus.blobs(shelf, locked),
        *surplus.state(shelf, left),
    ]
    if not found:
        terminal.out("nothing to remove: all that stackctl brought here is needed")
        return 0
    _show(shelf, found)
    if dry_run:
        terminal.out("\nnothing was done")
        return 0
    if not yes and not _agreed():
        return 1

    # --- border: from here on files are removed ---
    freed = sum(each.bytes for each in found)
    for each in found:
        _remove(shelf, each)
    terminal.out(f"{size(freed)} freed")
    return 0


def _running() -> tuple[tuple[Service, str], ...]:
    """Services that run now, whatever the stack says today, with their containers' names."""
    try:
        pairs = Docker().services()
    except StackError:
        return ()  # without a daemon nothing runs
    return tuple((service, container.name) for service, container in pairs if container.running)


def _show(shelf: Shelf, found: Sequence[Surplus]) -> None:
    terminal.out(f"no longer needed in {shelf.store.folder}\n")
    rows = [(each.name, size(each.bytes), str(len(each.files)), each.why) for each in found]
    terminal.out(table(("WHAT", "SIZE", "FILES", "WHY"), rows))
    terminal.out(f"\n{size(usage.of(*(p for each in found for p in each.files)).bytes)} in all")


def _agreed() -> bool:
    if not (sys.stdin.isatty() and terminal.interactive()):
        raise StackError(
            "nothing was removed: there is no terminal to ask on", fix="stackctl models prune --yes"
        )
    try:
        answer = input("remove all of this? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() in ("y", "yes"):
        return True
    terminal.out("nothing was removed")
    return False


def _remove(shelf: Shelf, each: Surplus) -> None:
    """Out of the lock first: a model that is half gone must not be promised to anybody."""
    with shelf.store.exclusive(
        each.name, "models prune", lambda holder: terminal.out(f"{each.name}: waiting for {holder}")
    ):
        if each.model:
            model = each.model
            if lock.find(shelf.models, model.source) != model:
                terminal.out(f"{each.name}: kept, it was changed a moment ago")
                return
            shelf.change(lambda models: lock.without(models, model.source))
        left = shelf.models
        kept = {shelf.store.folder / file.path for model in left for file in model.files}
        gone = [path for path in each.files if path not in kept]
        for path in gone:
            _unlink(path)
        for path in list(surplus.receipts(shelf, gone, left)):
            _unlink(path)
        for path in gone:
            _tidy(shelf, path)


def _unlink(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise fault(error, path) from None


def _tidy(shelf: Shelf, path: Path) -> None:
    """Folders that are empty now; those of the engines stay, containers may have them mounted."""
    store = shelf.store
    top = next((p for p in path.parents if p.name.startswith("models--")), path.parent)
    for folder in _empty_first(top) if top != path.parent else []:
        _rmdir(folder)
    for folder in path.parents:
        if folder in (store.folder, store.state) or folder.parent == store.folder:
            return
        if not _rmdir(folder):
            return


def _empty_first(top: Path) -> list[Path]:
    """All folders below, the deepest first; never through a link."""
    return [Path(at) for at, _, _ in os.walk(top, topdown=False)]


def _rmdir(folder: Path) -> bool:
    """Whether a folder was empty, and is gone now."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True
