"""A service of a compose file: every short and long syntax -> what the rules look at.

Syntax: https://github.com/compose-spec/compose-spec/blob/main/05-services.md
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from stackctl.lint import command
from stackctl.lint.compose_editor import ComposeEditor
from stackctl.lint.interpolate import interpolate
from stackctl.lint.issue import Span
from stackctl.lint.service import (
    ALL,
    Gpus,
    Health,
    Published,
    Service,
    Value,
    mebibytes,
    number,
)
from stackctl.lint.tables import engines, images
from stackctl.lint.tree import Tree
from stackctl.lint.words import Unreadable, Word, split

_CDI = "nvidia.com/gpu="


def service(name: str, tree: Tree, env: Mapping[str, str], variables: Mapping[str, str]) -> Service:
    """One service. `env` resolves `${…}`, `variables` come from the service's env files."""
    image = value(tree.get("image"))
    environment = _environment(tree)
    for key, text in variables.items():
        environment.setdefault(key, Value(text, tree.span, own=False))
    labels = {key: item.text for key, item in pairs(tree.get("labels")).items()}
    engine, entrypoint = by_image(image.text if image else "")
    invocation, unreadable = None, ""
    place = tree.get("command") or tree.get("entrypoint")
    own_entrypoint = tree.get("entrypoint")
    if own_entrypoint is not None and own_entrypoint.tag != "null":
        entrypoint = ""
    try:
        invocation = command.find(
            _words(tree, env),
            engine,
            entrypoint,
            {key: item.text for key, item in environment.items()},
            lambda text: interpolate(text, env),
        )
    except Unreadable as error:
        unreadable = str(error)
    devices = tuple(_devices(tree))
    ipc, network = value(tree.get("ipc")), value(tree.get("network_mode"))
    shm = value(tree.get("shm_size"))
    privileged = value(tree.get("privileged"))
    options = tree.get("logging", "options")
    driver = value(tree.get("logging", "driver"))
    profiles = tree.get("profiles")
    return Service(
        name=name,
        kind="compose",
        span=_place(tree, name),
        editor=ComposeEditor(tree),
        image=image,
        built=tree.get("build") is not None,
        engine=labels.get("stackctl.engine") or engine or (invocation.engine if invocation else ""),
        env=environment,
        invocation=invocation,
        unreadable=unreadable,
        command_span=place.span if place else None,
        gpus=_gpus(tree, devices),
        devices=devices,
        runtime=_at_key(tree, "runtime"),
        privileged=privileged if privileged and privileged.text.lower() == "true" else None,
        shm_mib=mebibytes(shm.text) if shm else 0,
        ipc=ipc.text if ipc else "",
        ports=tuple(_ports(tree.get("ports"))),
        host_network=bool(network and network.text == "host"),
        mounts=tuple(_mounts(tree)),
        health=_health(tree.get("healthcheck")),
        log_driver=driver.text if driver else "",
        log_options={k: v.text for k, v in options.items.items()} if options else {},
        labels=labels,
        profiles=frozenset(t.text for t in profiles.texts()) if profiles else frozenset(),
    )


def by_image(image: str) -> tuple[str, str]:
    """Engine and entrypoint of an image, by its name."""
    name, _, _ = images.split_tag(image)
    for pattern, engine, entrypoint in engines.IMAGES:
        if pattern.search(name):
            return engine, entrypoint
    return "", ""


def value(tree: Tree | None) -> Value | None:
    if tree is None or tree.kind != "scalar" or tree.tag == "null":
        return None
    return Value(tree.text, tree.span, tree.own)


def pairs(tree: Tree | None) -> dict[str, Value]:
    """`environment` and `labels`: a map, or a list of NAME=value."""
    if tree is None:
        return {}
    if tree.kind == "map":
        return {
            key: Value(item.text, tree.key(key), item.own and tree.own)
            for key, item in tree.items.items()
            if item.kind == "scalar"
        }
    found = {}
    for item in tree.texts() if tree.kind == "list" else []:
        key, _, text = item.text.partition("=")
        found[key] = Value(text, item.span, item.own)
    return found


def _environment(tree: Tree) -> dict[str, Value]:
    return pairs(tree.get("environment"))


def _place(tree: Tree, name: str) -> Span:
    """The line of the service's name, which stands in front of its map."""
    text = tree.span.source.text
    at = text.rfind(name, 0, tree.span.start)
    return Span(tree.span.source, at, at + len(name)) if at >= 0 else tree.span


def _at_key(tree: Tree, key: str) -> Value | None:
    found = value(tree.get(key))
    return Value(found.text, tree.key(key), found.own) if found else None


def _words(tree: Tree, env: Mapping[str, str]) -> list[Word]:
    """Entrypoint and command as one command line."""
    words: list[Word] = []
    for key in ("entrypoint", "command"):
        part = tree.get(key)
        if part is None or part.tag == "null":
            continue
        if part.kind == "list":
            for item in part.texts():
                span = item.span if item.own else None
                words.append(Word(item.text, span, element=item, inner=item.raw))
        elif part.kind == "scalar":
            span = part.span if part.own else None
            words += split(part.raw, span, lambda text: interpolate(text, env), script=False)
    return words


def _devices(tree: Tree) -> list[Tree]:
    """Device requests for GPUs: of `deploy`, or of `gpus` in its long form."""
    found = []
    requests = tree.get("deploy", "resources", "reservations", "devices")
    for request in requests.elements if requests else ():
        driver, capabilities = value(request.get("driver")), request.get("capabilities")
        named = {t.text for t in capabilities.texts()} if capabilities else set()
        if "gpu" in named or (driver and driver.text in ("nvidia", "cdi")):
            found.append(request)
    gpus = tree.get("gpus")
    if gpus is not None:
        found += [request for request in gpus.elements if request.kind == "map"]
    return found


def _gpus(tree: Tree, devices: tuple[Tree, ...]) -> Gpus:
    ids: list[str] = []
    count, span = 0, None
    for request in devices:
        listed = request.get("device_ids")
        asked = value(request.get("count"))
        span = span or request.span
        if listed is not None:
            span = request.key("device_ids")
            for item in listed.texts():
                ids += [part.strip() for part in item.text.split(",") if part.strip()]
        elif asked is None or asked.text.lower() in ("all", "-1"):
            count = ALL
            span = request.key("count") if asked else span
        else:
            # a variable that nobody knows: one GPU at least
            count = ALL if count == ALL else count + (number(asked.text) or 1)
            span = request.key("count")
    short = value(tree.get("gpus"))
    if short is not None:
        span = tree.key("gpus")
        count = ALL if short.text == "all" else number(short.text) or 1
    listed = tree.get("devices")
    for item in listed.texts() if listed else []:
        # a device node by itself, or a name of the Container Device Interface
        match = re.fullmatch(r"/dev/nvidia(\d+)(:.*)?|nvidia\.com/gpu=(.+)", item.text)
        if match:
            span = span or item.span
            ids.append(match[1] or match[3])
    plain = tuple(dict.fromkeys(i.removeprefix(_CDI) for i in ids))
    if "all" in plain:
        return Gpus((), ALL, span)
    return Gpus(plain, 0 if plain else count, span)


def _ports(tree: Tree | None) -> list[Published]:
    found = []
    for item in tree.elements if tree else ():
        if item.kind == "map":
            target, host = value(item.get("target")), value(item.get("published"))
            address = value(item.get("host_ip"))
            if target and host:
                place = Value(item.span.text, item.span, own=False)
                found.append(
                    Published(address.text if address else "", host.text, target.text, place)
                )
        elif item.kind == "scalar" and (port := port_of(Value(item.text, item.span, item.own))):
            found.append(port)
    return found


def port_of(written: Value) -> Published | None:
    """`[address:]host:container[/protocol]`; None when only the container's port is named, which
    Docker publishes nowhere that anybody could know beforehand."""
    text = written.text.partition("/")[0]
    address = ""
    if text.startswith("["):
        address, _, text = text[1:].partition("]:")
    parts = text.rsplit(":", 2)
    if len(parts) == 3:
        address, parts = parts[0], parts[1:]
    if len(parts) != 2:
        return None
    return Published(address, parts[0], parts[1], written)


def _mounts(tree: Tree) -> list[str]:
    targets = []
    for key in ("volumes", "tmpfs", "configs", "secrets"):
        listed = tree.get(key)
        for item in listed.elements if listed else ():
            if item.kind == "map":
                target = value(item.get("target"))
                targets.append(target.text if target else "")
            elif item.kind == "scalar":
                targets.append(mount_target(item.text) if key == "volumes" else item.text)
    return [target for target in targets if target]


def mount_target(text: str) -> str:
    """`source:target[:mode]` -> target."""
    parts = text.split(":")
    return parts[1] if len(parts) > 1 else parts[0]


def _health(tree: Tree | None) -> Health | None:
    if tree is None or tree.kind != "map":
        return None
    off, test = value(tree.get("disable")), tree.get("test")
    words = tuple(item.text for item in test.texts()) if test else ()
    disabled = bool(off and off.text == "true") or words[:1] == ("NONE",)
    span = test.span if test else tree.span
    return Health(words, Value(" ".join(words), span, own=False), disabled)
