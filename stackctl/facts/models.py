"""The models of services as they lie on the disk: looked at in milliseconds, never read whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from stackctl.engines import ENGINES
from stackctl.model import BadLock, DamagedModel, LockedModel, MissingModel, Service, StackError
from stackctl.models import formats, lock, quick
from stackctl.models import source as sources
from stackctl.models.verdict import Verdict, judge, spec
from stackctl.system import files
from stackctl.system.store import Store

#: where the models' folder is in most containers (compose/engines/)
_MODELS = "/models"


@dataclass(frozen=True, slots=True)
class Looked:
    """One service's model. `locked` says whether the lock knows it."""

    verdict: Verdict
    bad_lock: BadLock | None = None
    locked: bool = False


def model_on_host(service: Service) -> str:
    """Host path of a service's model, by its engine's rule and its mounts; empty if unknown."""
    engine = ENGINES.get(service.engine)
    if engine is None or engine.model_path is None or not service.model:
        return ""
    inside = PurePosixPath(engine.model_path(service.model))
    for mount in service.mounts:
        if mount.bind and inside.is_relative_to(mount.target):
            return str(PurePosixPath(mount.source) / inside.relative_to(mount.target))
    return ""


def models_folder(service: Service) -> str:
    """The models' folder of the host, by a service's mounts; empty if it has none of it."""
    engine = ENGINES.get(service.engine)
    for mount in service.mounts:
        source = PurePosixPath(mount.source)
        if mount.bind and mount.target == _MODELS:
            return str(source)
        # ComfyUI is given the one folder of it that is its own
        if mount.bind and engine and engine.folder and source.name == engine.folder:
            return str(source.parent)
    return ""


def named(service: Service) -> Iterator[tuple[str, str]]:
    """Folder ("" if none is named) and source of a service's models, as their owner named them or
    by its engine's rule."""
    engine = ENGINES.get(service.engine)
    texts = service.sources
    if not texts and engine and engine.source and service.model:
        texts = (engine.source(service.model),)
    for text in texts:
        folder, mark, rest = text.partition("=")
        # an = further right is part of a URL
        yield (folder, rest) if mark and ":" not in folder else ("", text)


def specs_of(service: Service) -> tuple[str, ...]:
    """The sources of a service's models in their canonical form."""
    found = []
    for _, text in named(service):
        with suppress(StackError):  # a label that `stackctl models` refuses, and says why
            found.append(sources.spec(sources.parse(text)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Owned:
    """What the lock has of a service's model, and where its engine looks for it, both in `folder`.
    `place` is empty if the lock does not know what is there."""

    folder: str
    files: tuple[quick.Owned, ...]
    place: str


def owned(service: Service) -> Owned:
    """A StackError says why the lock cannot be read."""
    path, folder = model_on_host(service), models_folder(service)
    inside = bool(folder and path) and PurePosixPath(path).is_relative_to(folder)
    place = str(PurePosixPath(path).relative_to(folder)) if inside else ""
    models = _lock(folder) if folder else ()
    found = quick.belonging(models, specs_of(service), place)
    return Owned(folder, found, place if quick.covers(found, place) else "")


def look(service: Service) -> Looked:
    """What is to be said of a service's model."""
    path = model_on_host(service)
    try:
        own = owned(service)
        if not own.files:
            return Looked(_unlocked(service, path))
        store = Store(Path(own.folder))
        seen, rest = quick.look(store.folder, own.files, own.place, store.stamp)
    except StackError as error:  # of the lock; or a folder is not ours to see, or its disk fails
        return Looked(Verdict(), BadLock(service.name, error.message, error.fix), locked=True)
    # a role is named where the lock has what the role asks for, else the model itself
    models = dict.fromkeys(model for model, _ in own.files)
    asked = all(sources.spec(model.source) in specs_of(service) for model in models)
    names = service.role if asked else " ".join(map(spec, models))
    found = judge(service.name, names, own.folder, seen, rest, own.place)
    # the lock may have another model of the service, say an adapter, and not the one at `path`
    beside = Verdict() if own.place else _unlocked(service, path)
    return Looked(found + beside, locked=True)


def _unlocked(service: Service, path: str) -> Verdict:
    """A model that the lock does not know: only its headers say what it must be."""
    if not path:
        return Verdict()
    if not files.exists(path):
        return Verdict(missing=(MissingModel(service.name, path, _pull(service)),))
    problems = formats.scan(Path(path))
    if not problems:
        return Verdict()
    repair = f"stackctl models repair {service.role}"
    return Verdict(damaged=(DamagedModel(service.name, path, problems, repair),))


def _pull(service: Service) -> str:
    return f"stackctl models pull {service.role}"


def _lock(folder: str) -> tuple[LockedModel, ...]:
    if not files.exists(folder):
        return ()
    return _parsed(Store(Path(folder)).read_lock())


#: a lock of 10,000 files takes 0.1 s to parse, and every service of a box has the same
_parsed = lru_cache(maxsize=4)(lock.read)


def missing_model(service: Service) -> MissingModel | None:
    """Where a service's model should be and how to get it, if it is not there or not whole."""
    return next(iter(look(service).verdict.missing), None)


def damaged_model(service: Service) -> DamagedModel | None:
    """A service's model with something wrong that is known without reading it."""
    return next(iter(look(service).verdict.damaged), None)
