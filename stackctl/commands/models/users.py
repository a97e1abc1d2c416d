"""Which running services use which files: by the labels and mounts of their containers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from stackctl import settings
from stackctl.commands.models.shelf import Shelf
from stackctl.facts.models import model_on_host, models_folder, specs_of
from stackctl.model import Container, LockedModel, Service, StackError
from stackctl.models import quick
from stackctl.system.docker import Docker

_RUNNING = ("running", "restarting", "paused")


@dataclass(frozen=True, slots=True)
class User:
    """A container that runs, and the locked files that it uses."""

    service: Service
    container: Container
    paths: frozenset[str]

    @property
    def name(self) -> str:
        return self.service.name if self.ours else f"{self.container.project}/{self.service.name}"

    @property
    def ours(self) -> bool:
        """Whether it belongs to the stack of this folder."""
        return self.container.project == (settings.chosen_project(None) or "stackctl")

    @property
    def restart(self) -> str:
        """What to type."""
        if self.ours:
            return f"stackctl restart {self.service.name}"
        return f"stackctl restart {self.service.name}, in the folder of its own stack"


def running(shelf: Shelf) -> tuple[User, ...]:
    """All that run with files of this models' folder; a StackError if Docker cannot be asked."""
    models = shelf.models
    found = []
    for service, container in Docker().services():
        if container.state not in _RUNNING:
            continue
        folder = models_folder(service)
        if not folder or Path(folder).resolve() != shelf.store.folder:
            continue
        at = PurePosixPath(model_on_host(service) or "/")
        place = str(at.relative_to(folder)) if at.is_relative_to(folder) else ""
        owned = quick.belonging(models, specs_of(service), place)
        found.append(User(service, container, frozenset(file.path for _, file in owned)))
    return tuple(found)


def of(shelf: Shelf, paths: Collection[str]) -> tuple[User, ...]:
    """Those that use one of these files."""
    return tuple(user for user in running(shelf) if not user.paths.isdisjoint(paths))


def of_model(shelf: Shelf, model: LockedModel) -> tuple[User, ...]:
    """Those that use a model; none where Docker cannot be asked."""
    try:
        return of(shelf, {file.path for file in model.files})
    except StackError:
        return ()
