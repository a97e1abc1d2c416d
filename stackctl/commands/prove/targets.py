"""What is to be proven: roles that run, by way of the engine or of the gateway; or a URL."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from stackctl import settings
from stackctl.commands.gateway import apply
from stackctl.commands.plan import select
from stackctl.commands.proven import Proof
from stackctl.engines import ENGINES
from stackctl.model import EMULATION, Container, Driver, Service, StackError
from stackctl.model.network import PLAIN, TLS
from stackctl.system import nvml
from stackctl.system.certificates.store import Store
from stackctl.system.docker import Docker
from stackctl.system.exchange import Door

ENGINE, GATEWAY, BOTH = "engine", "gateway", "both"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user typed. `url` and `model` for a server that is no container of ours."""

    roles: tuple[str, ...] = ()
    project: str | None = None
    through: str = ENGINE
    key_env: str = ""
    url: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """One model to ask. `door`: how clients come, `engine`: its own, for what only it can tell.
    `rigged`: its GPUs are simulated, so its model is a rigged one."""

    name: str
    model: str
    door: Door
    engine: Door
    context: int | None = None  # tokens, as promised
    service: Service | None = None
    rigged: bool = False
    way: str = ENGINE


def targets(asked: Asked) -> tuple[Target, ...]:
    """One for each role and way; StackError where there is nothing to ask."""
    key = _key(asked.key_env)
    if asked.url:
        return (_stranger(asked, key),)
    docker = Docker()
    chosen = settings.chosen_project(asked.project)
    there = docker.services(chosen)
    driver = nvml.read()
    rigged = isinstance(driver, Driver) and driver.simulated
    made = []
    for service, container in _chosen(there, asked.roles):
        own = Door(container.url)
        door = emulation(there, container) if service.emulated else own
        by_engine = Target(service.name, service.model, door, own, service.context, service, rigged)
        if asked.through != GATEWAY:
            made.append(by_engine)
        # of both ways, the gateway's is taken where there is a key for it
        if asked.through == GATEWAY or (asked.through == BOTH and key):
            door = gateway(docker, container.project, key)
            made.append(replace(by_engine, door=door, way=GATEWAY))
    return tuple(made)


def proofs(target: Target, by: str, ok: bool, said: str) -> list[Proof]:
    """What the history is to know: one proof of a service of ours, by either way."""
    if target.service is None:
        return []
    by += " --through gateway" if target.way == GATEWAY else ""
    return [Proof(target.name, by, time.time(), ok, said, target.rigged)]


def emulation(pairs: Sequence[tuple[Service, Container]], asked: Container) -> Door:
    """How this machine reaches what makes the tool calls of a container."""
    for service, container in pairs:
        if service.engine == EMULATION and container.project == asked.project and container.running:
            return Door(f"{container.url}/{asked.name}")
    raise StackError(
        f"nothing makes the tool calls of {asked.name}",
        fix="add tools to COMPOSE_PROFILES in env/stack.env, then: stackctl up tools",
    )


def gateway(docker: Docker, project: str, key: str) -> Door:
    """How this machine reaches the gateway of this clone."""
    root = settings.find_root()
    pair = apply.found(docker, apply.Place(root))
    if pair is None or not pair[1].running or pair[1].project != project:
        raise StackError("there is no gateway that runs here", fix="--through engine")
    if not key:
        raise StackError(
            "the gateway lets nobody in without a key",
            fix="stackctl keys add prove; put it into a variable, then: --key-env NAME",
            exit_code=2,
        )
    ports = {port.container: port for port in pair[0].ports}
    for inside, scheme in ((PLAIN, "http"), (TLS, "https")):
        if port := ports.get(inside):
            host = "127.0.0.1" if port.everywhere else port.address
            ca = Store(root / ".stackctl", *settings.gateway_user(root)).ca
            trusted = str(ca) if scheme == "https" and ca.is_file() else ""
            return Door(f"{scheme}://{host}:{port.host}", key, trusted)
    raise StackError("the gateway publishes no port", fix="stackctl restart gateway")


def _chosen(
    pairs: Sequence[tuple[Service, Container]], roles: Sequence[str]
) -> list[tuple[Service, Container]]:
    named = select([service for service, _ in pairs], roles) if roles else None
    found = []
    for service, container in pairs:
        if named is not None and service not in named:
            continue
        engine = ENGINES.get(service.engine)
        text = engine is not None and engine.api == "text"
        if text and container.running and container.url:
            found.append((service, container))
        elif named is not None and text:
            raise StackError(f"{service.name} does not run", fix=f"stackctl up {service.name}")
        elif named is not None:
            raise StackError(
                f"{service.name} serves no language model", fix="name another role", exit_code=2
            )
    if not found:
        raise StackError("no language model runs here", fix="stackctl up")
    return found


def _stranger(asked: Asked, key: str) -> Target:
    if asked.roles or not asked.model or asked.through == GATEWAY:
        raise StackError(
            "--url is instead of a role, and needs --model",
            fix="--url http://HOST:PORT --model NAME",
            exit_code=2,
        )
    url = asked.url.rstrip("/").removesuffix("/v1")
    if not url.startswith(("http://", "https://")):
        raise StackError(
            f"{asked.url} is no URL of http or https", fix="http://HOST:PORT", exit_code=2
        )
    door = Door(url, key)
    return Target(asked.model, asked.model, door, door)


def _key(name: str) -> str:
    if not name:
        return ""
    if not (key := settings.variable(name)):
        raise StackError(f"the environment has no {name}", fix=f"export {name}=...", exit_code=2)
    return key
