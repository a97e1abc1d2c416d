"""The daemon's JSON of one container -> our vocabulary. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from stackctl.model import Container, GpuRequest, Mount, Port, Service

LABEL = "stackctl."
#: bytes before each part of a log; number of the last stream
_HEAD, _STDERR = 8, 2


def service(raw: dict[str, Any]) -> Service:
    """The contract that a container carries as labels, and the GPUs it was created with."""
    config, host = raw["Config"], raw["HostConfig"]
    labels: dict[str, str] = config.get("Labels") or {}
    name = labels.get("com.docker.compose.service") or raw["Name"].lstrip("/")
    return Service(
        name=name,
        role=labels.get(LABEL + "role", name),
        engine=labels.get(LABEL + "engine", ""),
        model=labels.get(LABEL + "model", ""),
        context=number(labels.get(LABEL + "context")),
        port=number(labels.get(LABEL + "port")) or 0,
        vram_mib=number(labels.get(LABEL + "vram_mib")),
        cuda=labels.get(LABEL + "cuda", ""),
        gpus=gpu_request(host, config.get("Env") or []),
        image=config.get("Image", ""),
        ports=tuple(
            Port(binding.get("HostIp", ""), int(binding["HostPort"]), int(key.split("/")[0]))
            for key, bindings in (host.get("PortBindings") or {}).items()
            for binding in bindings or ()
            if binding.get("HostPort")
        ),
        mounts=tuple(
            Mount(
                mount.get("Source") or mount.get("Name", ""),
                mount.get("Destination", ""),
                mount.get("Type") == "bind",
            )
            for mount in raw.get("Mounts") or ()
        ),
        sources=tuple(labels.get(LABEL + "source", "").split()),
        aliases=tuple(labels.get(LABEL + "aliases", "").split()),
        slots=number(labels.get(LABEL + "slots")),
        queue=number(labels.get(LABEL + "queue")),
        tools=labels.get(LABEL + "tools", ""),
    )


def container(raw: dict[str, Any], port: int) -> Container:
    """State of a container; `port` is the one inside that its engine listens on."""
    state = raw["State"]
    labels: dict[str, str] = raw["Config"].get("Labels") or {}
    return Container(
        id=raw["Id"],
        name=raw["Name"].lstrip("/"),
        project=labels.get("com.docker.compose.project", ""),
        state=state["Status"],
        pid=int(state.get("Pid") or 0),
        started_at=seconds(state.get("StartedAt", "")),
        exit_code=int(state.get("ExitCode") or 0),
        error=state.get("Error") or "",
        oom_killed=bool(state.get("OOMKilled")),
        restarts=int(raw.get("RestartCount") or 0),
        health=(state.get("Health") or {}).get("Status", ""),
        url=url(raw, port),
        image_id=raw.get("Image") or "",
        log_driver=log_driver(raw["HostConfig"]),
        log_bounded=log_bounded(raw["HostConfig"]),
    )


def log_driver(host: dict[str, Any]) -> str:
    return str((host.get("LogConfig") or {}).get("Type") or "")


def log_bounded(host: dict[str, Any]) -> bool:
    """Whether a log has an end: json-file writes on for ever unless it is told one."""
    options = (host.get("LogConfig") or {}).get("Config") or {}
    return log_driver(host) != "json-file" or options.get("max-size", "-1") not in ("", "-1", "0")


def url(raw: dict[str, Any], port: int) -> str:
    """Where this host reaches the engine: the published port, else the container's address."""
    settings = raw.get("NetworkSettings") or {}
    for binding in (settings.get("Ports") or {}).get(f"{port}/tcp") or ():
        address = binding.get("HostIp") or "0.0.0.0"  # noqa: S104
        if address in ("0.0.0.0", "::"):  # noqa: S104
            address = "127.0.0.1"
        return f"http://{f'[{address}]' if ':' in address else address}:{binding['HostPort']}"
    for network in (settings.get("Networks") or {}).values():
        if network.get("IPAddress"):
            return f"http://{network['IPAddress']}:{port}"
    return ""


def gpu_request(host: dict[str, Any], env: list[str]) -> GpuRequest:
    """Device requests; for the legacy `runtime: nvidia`, what NVIDIA_VISIBLE_DEVICES says."""
    for request in host.get("DeviceRequests") or ():
        driver, ids = request.get("Driver") or "", tuple(request.get("DeviceIDs") or ())
        if driver == "cdi" and not any(i.startswith("nvidia.com/gpu=") for i in ids):
            continue
        # ids that were joined in one string still reach the hook as a list
        ids = tuple(part for i in ids for part in i.split(","))
        return GpuRequest(driver, ids, int(request.get("Count") or 0))
    visible = next((e.split("=", 1)[1] for e in env if e.startswith("NVIDIA_VISIBLE_DEVICES=")), "")
    if host.get("Runtime") == "nvidia" and visible not in ("", "void", "none"):
        if visible == "all":
            return GpuRequest("runtime", count=-1)
        return GpuRequest("runtime", tuple(visible.split(",")))
    return GpuRequest()


def unframe(raw: bytes) -> bytes:
    """A log as the daemon sends it, without the head of each frame: stream, 3 zeros, length.

    The last frame may be cut off. The log of a container with a terminal has no frames.
    """
    view, parts, at = memoryview(raw), [], 0
    while at + _HEAD <= len(raw):
        if raw[at] > _STDERR or raw[at + 1 : at + 4] != b"\0\0\0":
            return raw
        end = at + _HEAD + int.from_bytes(view[at + 4 : at + _HEAD])
        parts.append(view[at + _HEAD : end])
        at = end
    return b"".join(parts)


def number(text: str | None) -> int | None:
    """A label's number, or None where it has none."""
    try:
        return int(text) if text else None
    except ValueError:
        return None


def seconds(stamp: str) -> float:
    """RFC 3339 with nanoseconds -> seconds since the epoch; 0 for `never`."""
    if not stamp or stamp.startswith("0001"):
        return 0.0
    head, _, fraction = stamp.rstrip("Z").partition(".")
    return datetime.fromisoformat(head + "+00:00").timestamp() + float(f"0.{fraction or 0}")
