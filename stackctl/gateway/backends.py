"""Services, by their labels -> the backends of the gateway."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from stackctl.model import EMULATION, Engine, Service, StackError
from stackctl.model.gateway import Backend, Server

#: what HAProxy takes as the name of a backend or of a server
_NAME = re.compile(r"[A-Za-z0-9_.:-]+")
#: map files end a key at a blank
_MODEL = re.compile(r"[^\s#\"\\]+")
_QUEUE = 64
#: where it will be; as long as it does not run, its engines are down for the gateway
_EMULATION = "tools:8000"


#: a service, and the name by which the gateway's network knows its container
Host = tuple[Service, str]


def backends(hosts: Sequence[Host], engines: Mapping[str, Engine]) -> tuple[Backend, ...]:
    """One per model, in the order of names; containers that serve the same model are replicas."""
    groups: dict[tuple[str, str], list[Host]] = {}
    emulation = next((f"{h}:{s.port}" for s, h in hosts if s.engine == EMULATION), _EMULATION)
    for service, host in sorted(hosts, key=lambda each: (each[0].name, each[1])):
        if service.engine in engines and service.port:
            api = engines[service.engine].api
            groups.setdefault((api, service.model or service.name), []).append((service, host))
    made = tuple(_backend(group, engines, emulation) for group in groups.values())
    _only_one_of_each_name(made)
    return made


def _backend(hosts: Sequence[Host], engines: Mapping[str, Engine], emulation: str) -> Backend:
    group = [service for service, _ in hosts]
    first = group[0]
    engine = engines[first.engine]
    aliases = dict.fromkeys(alias for service in group for alias in service.aliases)
    if aliases and engine.strict:
        raise StackError(
            f"{first.name}: {engine.title} answers to the name of its model alone, not to "
            f"{', '.join(aliases)}",
            fix=f"empty {first.role.upper()}_ALIASES in env/stack.env, or choose another engine",
            exit_code=2,
        )
    for name in (first.model, *aliases):
        if name and not _MODEL.fullmatch(name):
            raise StackError(
                f"{first.name}: the gateway cannot offer a model named {name!r}",
                fix="choose a name without blanks, quotes and #",
                exit_code=2,
            )
    if not _NAME.fullmatch(first.name):
        raise StackError(
            f"the gateway cannot reach a service named {first.name!r}",
            fix="choose a name of letters, digits, - and _",
            exit_code=2,
        )
    return Backend(
        name=first.name,
        model=first.model,
        aliases=tuple(aliases),
        servers=tuple(
            Server(
                host,
                emulation if s.emulated else f"{host}:{s.port}",
                s.slots or engines[s.engine].slots,
                emulated=s.emulated,
            )
            for s, host in hosts
        ),
        ready_path=engine.ready_path,
        queue=max((s.queue for s in group if s.queue), default=_QUEUE),
        api=engine.api,
        context=min((s.context for s in group if s.context), default=None),
    )


def _only_one_of_each_name(made: Sequence[Backend]) -> None:
    owner: dict[str, str] = {}
    for backend in made:
        for name in filter(None, (backend.model, *backend.aliases)):
            other = owner.setdefault(name, backend.name)
            if other != backend.name:
                raise StackError(
                    f"{other} and {backend.name} both answer to the name {name}",
                    fix=f"take it from one of them: {backend.name.upper()}_ALIASES in "
                    "env/stack.env",
                    exit_code=2,
                )
