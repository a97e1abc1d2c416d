"""A compose file with what it includes and extends -> the services it defines.

Only text is read here; `read` brings the text of another file, or None where there is none.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from stackctl.lint import compose
from stackctl.lint.interpolate import known
from stackctl.lint.issue import Source
from stackctl.lint.service import Service
from stackctl.lint.tree import Tree, foreign, overlay, parse
from stackctl.model import StackError

#: path of another file -> its text
Reader = Callable[[str], str | None]

#: `include` and `extends` that go round in a circle end here
_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Project:
    """All services of a compose file, and the texts that they were read from."""

    services: tuple[Service, ...]
    sources: tuple[Source, ...]


def load(source: Source, env: Mapping[str, str], read: Reader) -> Project:
    """Read a compose file and all that belongs to it. A broken one is a StackError."""
    loader = _Loader(env, read)
    loader.file(source, _DEPTH)
    services = tuple(
        compose.service(name, tree, env, loader.variables(tree))
        for name, tree in loader.services.items()
    )
    return Project(services, tuple(loader.sources.values()))


class _Loader:
    def __init__(self, env: Mapping[str, str], read: Reader) -> None:
        self._env, self._read = env, read
        self._trees: dict[str, Tree] = {}
        self.sources: dict[str, Source] = {}
        self.services: dict[str, Tree] = {}

    def file(self, source: Source, depth: int) -> None:
        tree = self._parse(source)
        services = tree.get("services")
        include = tree.get("include")
        if services is None and include is None:
            raise _no_compose(source, tree)
        for entry in include.elements if include else ():
            paths = entry.get("path") if entry.kind == "map" else entry
            for path in paths.texts() if paths else []:
                if known(path.text) and (other := self._other(source, path.text)) and depth:
                    self.file(other, depth - 1)
        if services is None or services.tag == "null":
            return
        if services.kind != "map":
            raise _not(source, services, "`services` is no map of services")
        for name, service in services.items.items():
            if service.kind != "map":
                raise _not(source, service, f"service {name} is no map")
            self.services[name] = self._extended(source, services, name, depth)

    def variables(self, tree: Tree) -> dict[str, str]:
        """What the service's `env_file`s set."""
        values: dict[str, str] = {}
        files = tree.get("env_file")
        for entry in (files.elements or (files,)) if files else ():
            path = entry.get("path") if entry.kind == "map" else entry
            text = self._text(path.span.source, path.text) if path and path.text else None
            for line in (text or "").splitlines():
                name, equals, value = line.strip().removeprefix("export ").partition("=")
                if equals and not name.startswith("#"):
                    values[name.strip()] = value.strip().strip("'\"")
        return values

    def _extended(self, source: Source, services: Tree, name: str, depth: int) -> Tree:
        own = services.items[name]
        extends = own.get("extends")
        if extends is None or not depth:
            return own
        base, here, where = extends, services, source
        if extends.kind == "map":
            file, service = extends.get("file"), extends.get("service")
            if service is None:
                return own
            base = service
            if file is not None:
                other = self._other(source, file.text) if known(file.text) else None
                if other is None:
                    return own
                found = self._parse(other).get("services")
                if found is None or found.kind != "map":
                    return own
                here, where = found, other
        under = here.items.get(base.text)
        if under is None or under.kind != "map":
            return own
        extended = foreign(self._extended(where, here, base.text, depth - 1))
        return overlay(replace(extended, items={**extended.items}), own)

    def _parse(self, source: Source) -> Tree:
        if source.name not in self._trees:
            self.sources[source.name] = source
            self._trees[source.name] = parse(source, self._env)
        return self._trees[source.name]

    def _other(self, source: Source, path: str) -> Source | None:
        name = posixpath.normpath(posixpath.join(posixpath.dirname(source.name), path))
        if name in self.sources:
            return self.sources[name]
        text = self._read(name)
        return None if text is None else Source(name, text)

    def _text(self, source: Source, path: str) -> str | None:
        return self._read(posixpath.normpath(posixpath.join(posixpath.dirname(source.name), path)))


def _no_compose(source: Source, tree: Tree) -> StackError:
    looks = [
        n
        for n, v in tree.items.items()
        if v.kind == "map" and {"image", "runtime", "deploy", "environment"} & set(v.items)
    ]
    hint = "`docker compose config` must be able to read it"
    if looks:
        hint = f"put {', '.join(looks[:3])} under a line `services:`"
    return StackError(
        f"{source.name}:1: no compose file: it has neither `services` nor `include`",
        fix=hint,
        exit_code=2,
    )


def _not(source: Source, tree: Tree, message: str) -> StackError:
    return StackError(
        f"{source.name}:{tree.span.line}: {message}",
        fix="`docker compose config` must be able to read it",
        exit_code=2,
    )
