"""Command lines for `docker compose`, its JSON, and the placement override. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from stackctl.catalogue import CREATE, PULL, filled, first
from stackctl.model import (
    GpuRequest,
    Mount,
    Placement,
    Port,
    Service,
    Stack,
    StackError,
)


def argv(
    compose_file: Path, env_files: Sequence[Path], *words: str, override: str = ""
) -> list[str]:
    """`docker compose` for our stack with the given words behind."""
    command = ["docker", "compose"]
    for path in env_files:
        command += ["--env-file", str(path)]
    command += ["-f", str(compose_file)]
    if override:
        command += ["-f", override]
    return [*command, *words]


def parse(text: str) -> Stack:
    """What `docker compose config --format json` prints -> the stack. Services without a
    `stackctl.role` label are not ours to judge and left out."""
    try:
        raw = json.loads(text)
    except ValueError:
        raise StackError(
            "docker compose config printed no JSON", fix="docker compose version"
        ) from None
    services = tuple(
        _service(name, entry)
        for name, entry in (raw.get("services") or {}).items()
        if "stackctl.role" in (entry.get("labels") or {})
    )
    return Stack(raw.get("name", ""), services)


def _service(name: str, raw: dict[str, Any]) -> Service:
    labels = {key: str(value) for key, value in raw["labels"].items()}
    return Service(
        name=name,
        role=labels["stackctl.role"],
        engine=labels.get("stackctl.engine", ""),
        model=labels.get("stackctl.model", ""),
        context=_number(name, labels, "stackctl.context"),
        port=_number(name, labels, "stackctl.port") or 0,
        vram_mib=_number(name, labels, "stackctl.vram_mib"),
        cuda=labels.get("stackctl.cuda", ""),
        gpus=_gpus(raw),
        image=raw.get("image", ""),
        ports=tuple(
            Port(p.get("host_ip", ""), int(p["published"]), int(p["target"]))
            for p in raw.get("ports") or ()
            if p.get("published")
        ),
        mounts=tuple(
            Mount(m.get("source", ""), m.get("target", ""), m.get("type") == "bind")
            for m in raw.get("volumes") or ()
        ),
        depends_on=tuple(raw.get("depends_on") or {}),
        sources=tuple(labels.get("stackctl.source", "").split()),
        aliases=tuple(labels.get("stackctl.aliases", "").split()),
        slots=_number(name, labels, "stackctl.slots"),
        queue=_number(name, labels, "stackctl.queue"),
        tools=labels.get("stackctl.tools", ""),
    )


def _gpus(raw: dict[str, Any]) -> GpuRequest:
    resources = (raw.get("deploy") or {}).get("resources") or {}
    for device in (resources.get("reservations") or {}).get("devices") or ():
        if "gpu" in (device.get("capabilities") or ()):
            ids = tuple(str(i) for i in device.get("device_ids") or ())
            return GpuRequest(device.get("driver", ""), ids, int(device.get("count") or 0))
    return GpuRequest()


def _number(service: str, labels: dict[str, str], key: str) -> int | None:
    value = labels.get(key, "")
    if not value:
        return None
    if not value.isdecimal():
        raise StackError(
            f"{service}: label {key} is {value!r}, not a whole number",
            fix="correct the role's knob in env/stack.env",
            exit_code=2,
        )
    return int(value)


class _Override(list[Any]):
    """A list that replaces, in YAML `!override`."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    _Override, lambda dumper, data: dumper.represent_sequence("!override", data)
)


def override(placement: Placement) -> str:
    """The override file that pins every service to its GPUs, ids as separate strings."""
    services = {
        name: {"deploy": {"resources": {"reservations": {"devices": _devices(request)}}}}
        for name, request in sorted(placement.requests.items())
    }
    body = yaml.dump({"services": services}, Dumper=_Dumper, sort_keys=False, width=1000)
    return "# Written by `stackctl up`: the GPUs of this host, by UUID.\n" + body


def _devices(request: GpuRequest) -> _Override:
    device = {
        "driver": request.driver,
        "device_ids": list(request.ids),
        "capabilities": ["gpu"],
    }
    return _Override([device])


def beside(service: str, name: str, role_file: Path, request: GpuRequest) -> str:
    """A second container of a service under another name, on other GPUs and without its ports."""
    body = {
        "extends": {"file": str(role_file), "service": service},
        "profiles": _Override([name]),
        "ports": _Override([]),
        "labels": {"stackctl.role": name},
        "deploy": {"resources": {"reservations": {"devices": _devices(request)}}},
    }
    text = yaml.dump({"services": {name: body}}, Dumper=_Dumper, sort_keys=False, width=1000)
    return f"# Written by `stackctl rollout {service}`.\n{text}"


def explain(stderr: str) -> StackError:
    """A failed `docker compose` as a clear message; its own last line is the reason."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    reason = next((x for x in reversed(lines) if "level=warning" not in x), "no reason given")
    reason = reason.removeprefix("Error response from daemon: ")
    if "is missing a value" in reason or "required variable" in reason:
        return StackError(f"docker compose: {reason}", fix="git checkout -- env", exit_code=2)
    if hit := first(reason, (*PULL, *CREATE)):
        return StackError(f"{hit.failure.cause}: {reason}", fix=filled(hit.failure.fix, ""))
    return StackError(f"docker compose: {reason}", fix="correct the file it names", exit_code=2)
