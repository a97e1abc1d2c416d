"""What every verb of `stackctl models` needs: the models folder, its lock, the publishers, and who
wants which model."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from stackctl.commands import plan
from stackctl.engines import ENGINES
from stackctl.facts import models as facts
from stackctl.model import Kind, Listing, LockedFile, LockedModel, Service, Source, StackError
from stackctl.models import lock, publishers
from stackctl.models import source as sources
from stackctl.settings import Settings
from stackctl.system.store import Store
from stackctl.system.web import Web

#: gpt-oss's repositories hold the weights three times; engines read only one of the copies
_COPIES = ("original/*", "metal/*")

Models = tuple[LockedModel, ...]


@dataclass(frozen=True, slots=True)
class Want:
    """A model that is to be here: its source, the folder if not its publisher's own layout, and
    the service that needs it ("" if a user asked)."""

    source: Source
    folder: str = ""
    service: str = ""


class Shelf:
    """The models of this box."""

    def __init__(self, config: Settings) -> None:
        self.config = config
        self.store = Store(config.models_dir)
        values = config.values
        defaults = publishers.Endpoints()
        self.endpoints = publishers.Endpoints(
            values.get("HF_ENDPOINT") or defaults.hub,
            values.get("MODELSCOPE_ENDPOINT") or defaults.modelscope,
            values.get("OLLAMA_REGISTRY") or defaults.ollama,
        )
        self.web = Web(
            {
                self.endpoints.hub: values.get("HF_TOKEN", ""),
                self.endpoints.modelscope: values.get("MODELSCOPE_API_TOKEN", ""),
            }
        )

    @property
    def models(self) -> Models:
        """What the lock has, now."""
        return lock.read(self.store.read_lock())

    def change(self, change: Callable[[Models], Models]) -> None:
        """Change the lock, with nobody else in between."""
        self.store.change_lock(lambda text: lock.render(change(lock.read(text))))

    def record(self, seen: Sequence[LockedFile]) -> None:
        """Keep what was seen of files."""
        if seen:
            self.change(lambda models: lock.record(models, seen))

    def path(self, file: LockedFile) -> Path:
        return self.store.folder / file.path

    def listing(self, source: Source) -> Listing:
        """What the publisher offers now, hashes and all."""
        return publishers.listing(source, self.endpoints, self._get, self._head)

    def url(self, model: LockedModel, file: LockedFile) -> str:
        return publishers.url(model.source, model.revision, file.origin, self.endpoints)

    def headers(self, model: LockedModel) -> Mapping[str, str]:
        return publishers.of(model.source).headers

    def _get(self, url: str, headers: Mapping[str, str]) -> publishers.Reply:
        answer = self.web.ask(url, headers)
        return publishers.Reply(answer.status, answer.headers, answer.body, answer.text)

    def _head(self, url: str, headers: Mapping[str, str]) -> publishers.Reply:
        answer = self.web.ask(url, headers, method="HEAD")
        return publishers.Reply(answer.status, answer.headers, answer.body, answer.text)


def open_shelf() -> Shelf:
    return Shelf(plan.load())


def wants(services: Sequence[Service], folder: Path | None = None) -> tuple[Want, ...]:
    """The models that services need: those their owner named, else their engine's own. `folder`
    is that of the models: a path within is then taken as the lock has it."""
    found: list[Want] = []
    for service in services:
        engine = ENGINES.get(service.engine)
        for to, text in facts.named(service):
            target = "/".join(filter(None, (engine.folder if engine else "", to)))
            source = canonical(usual(_parsed(service, text)), folder)
            found.append(Want(source, target, service.name))
    return tuple(found)


def canonical(source: Source, folder: Path | None) -> Source:
    """A path in the models' folder always in one way: from there."""
    if source.kind is not Kind.FILE or folder is None:
        return source
    path = Path(source.name)
    within = path.is_absolute() and path.is_relative_to(folder) and path != folder
    return replace(source, name=str(path.relative_to(folder))) if within else source


def _parsed(service: Service, text: str) -> Source:
    """A source of a service's label; an error names the knob that it comes from."""
    try:
        return sources.parse(text)
    except StackError as error:
        knob = f"{service.role.upper()}_SOURCE"
        known = service.sources and service.role
        where = f"{knob} in env/stack.env" if known else f"the model of {service.name}"
        raise StackError(
            f"{service.name}: {error.message}", fix=f"{where}: {error.fix}", exit_code=2
        ) from None


def usual(source: Source, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Source:
    """A source with its patterns; of a whole repository the copies are left out."""
    own = source.include + tuple(include)
    if source.kind in (Kind.HUB, Kind.MODELSCOPE) and not own and not exclude:
        return replace(source, exclude=_COPIES)
    return replace(source, include=own, exclude=tuple(exclude))


def named(texts: Sequence[str], shelf: Shelf) -> tuple[Want, ...]:
    """What the user named: sources, or roles of the stack; all of the stack if nothing."""
    roles = [text for text in texts if ":" not in text and "/" not in text]
    folder = shelf.store.folder
    typed = [sources.parse(text) for text in texts if text not in roles]
    found = [Want(canonical(usual(source), folder)) for source in typed]
    if roles or not texts:
        stack = plan.resolve(shelf.config)
        found += wants(plan.select(stack.services, roles), folder)
    return tuple(found)


def locked(texts: Sequence[str], shelf: Shelf) -> Models:
    """The models of the lock that the user named by source or role; all if nothing."""
    models = shelf.models
    if not texts:
        return models
    wanted = [want.source for want in named(texts, shelf)]
    missing = [s for s in wanted if not any(same(model.source, s) for model in models)]
    if missing:
        raise StackError(
            f"{sources.spec(missing[0])} is not among the models of {shelf.store.lock_file}",
            fix=f"stackctl models list; stackctl models pull {sources.spec(missing[0])}",
            exit_code=2,
        )
    return tuple(m for m in models if any(same(m.source, source) for source in wanted))


def same(one: Source, other: Source) -> bool:
    """Whether two sources name the same model, whatever their patterns."""
    return sources.spec(one) == sources.spec(other)


def now() -> str:
    """The time as a lock has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
