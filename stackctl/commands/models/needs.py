"""Where the models that the stack needs would lie in the models' folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from stackctl.commands import plan
from stackctl.commands.models.shelf import Shelf, same, wants
from stackctl.engines import ENGINES
from stackctl.facts import model_on_host
from stackctl.model import (
    Algorithm,
    Digest,
    Kind,
    Listing,
    LockedModel,
    RemoteFile,
    Service,
    Source,
    Stack,
    StackError,
)
from stackctl.models import layout
from stackctl.models import source as sources


@dataclass(frozen=True, slots=True)
class Need:
    """A service's model: its source if that is known, and where it may lie (made absolute)."""

    service: str
    text: str
    source: Source | None
    paths: tuple[Path, ...]


def of_stack(shelf: Shelf) -> tuple[Need, ...]:
    """What the services need and the lock does not have."""
    stack = plan.resolve(shelf.config)
    models = shelf.models
    locked = {shelf.store.folder / file.path for model in models for file in model.files}
    found: list[Need] = []
    for service in stack.services:
        named = wants((service,), shelf.store.folder)
        for want in named:
            if not any(same(want.source, model.source) for model in models):
                text = sources.spec(want.source)
                paths = _places(shelf, want.source, want.folder)
                found.append(Need(service.name, text, want.source, paths))
        if not named and (path := on_host(shelf, service)) and path not in locked:
            found.append(Need(service.name, str(path), None, (path,) if path.exists() else ()))
    return tuple(found)


def everything(shelf: Shelf) -> Stack:
    """The stack with all its roles, those as well that are not to run now."""
    environ = {**shelf.config.environ, "COMPOSE_PROFILES": "*"}
    return plan.resolve(replace(shelf.config, environ=environ))


def on_host(shelf: Shelf, service: Service) -> Path | None:
    """Where a service's engine looks for its model, if that is in the models' folder."""
    text = model_on_host(service)
    path = Path(text)
    return path if text and path.is_relative_to(shelf.store.folder) else None


def below(shelf: Shelf, text: str) -> Path:
    """A path that the user named, from where they are or from the models' folder; it must lie
    below the latter, as containers see nothing else."""
    root = shelf.store.folder
    named = Path(text).expanduser()
    candidates = [Path.cwd() / named, root / named]
    path = next((each for each in candidates if each.exists()), None)
    if path is None:
        raise StackError(f"{text}: no such file or folder", fix=f"ls {root}", exit_code=2)
    path = path.parent.resolve() / path.name if path.name not in ("", "..") else path.resolve()
    if path.is_dir():
        path = path.resolve()
    if not (path.is_relative_to(root) and path.resolve().is_relative_to(root)):
        raise StackError(
            f"{text} lies outside the models' folder {root}, where no engine sees it",
            fix=f"move it there (mv {text} {root}/), or set MODELS_DIR in env/stack.env",
            exit_code=2,
        )
    return path


def _places(shelf: Shelf, source: Source, folder: str) -> tuple[Path, ...]:
    root = shelf.store.folder
    if source.kind is Kind.FILE:
        return tuple(p for p in [root / source.name] if p.exists() and p.is_relative_to(root))
    if source.kind is Kind.OLLAMA:
        paths = [f"ollama/{'/'.join(['manifests', *sources.ollama_parts(source.name)])}"]
    elif source.kind is Kind.URL:
        name = sources.address(source).rpartition("/")[2]
        file = RemoteFile(name, 0, source.digest or Digest(Algorithm.SHA256, "0" * 64))
        paths = [f.path for f in layout.place(Listing(source, "", (file,)), folder)]
    elif folder:
        names = [PurePosixPath(pattern).name for pattern in source.include] or ["*"]
        return tuple(p for name in names for p in sorted((root / folder).glob(name)))
    else:
        paths = [layout.repository(source)]
    return tuple(root / path for path in paths if (root / path).exists())


def users(shelf: Shelf, model: LockedModel, services: Sequence[Service]) -> tuple[str, ...]:
    """The roles that need a model, or may: of a service that does not say what it needs, all that
    lies in its engine's folder."""
    folder = shelf.store.folder
    paths = [folder / file.path for file in model.files]
    found = []
    for service in services:
        named = wants((service,), folder)
        place = on_host(shelf, service)
        if place is None and not named and (engine := ENGINES.get(service.engine)):
            place = folder / engine.folder if engine.folder else None
        if any(same(want.source, model.source) for want in named) or (
            place and any(path.is_relative_to(place) for path in paths)
        ):
            found.append(service.role)
    return tuple(dict.fromkeys(found))
