"""What Docker publishes, and the gateway among it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from stackctl.model import Port, StackError
from stackctl.model.host import Bridge
from stackctl.model.network import Door, Published
from stackctl.system import inspect
from stackctl.system.docker import Docker
from stackctl.system.host.engine import bridge

_LABEL = inspect.LABEL


class NetDocker(Docker):
    """The daemon, asked for ports and networks."""

    def published(self, project: str = "") -> tuple[Door | None, tuple[Published, ...]]:
        """The gateway (of a project, else any), running or not; what other containers publish."""
        rows = self._call("containers", all=True)
        with ThreadPoolExecutor(8) as pool:
            raws = [raw for raw in pool.map(self._raw, (row["Id"] for row in rows)) if raw]
        doors = [raw for raw in raws if is_door(raw) and project in ("", _project(raw))]
        doors.sort(key=lambda raw: (raw["State"]["Status"] != "running", raw["Name"]))
        chosen = doors[0] if doors else None
        others = [raw for raw in raws if raw is not chosen and raw["State"].get("Running")]
        return door(chosen) if chosen else None, tuple(p for raw in others for p in published(raw))

    def bridges(self) -> tuple[Bridge, ...]:
        """Networks that have an interface on the host."""
        return tuple(b for raw in self._call("networks") if (b := bridge(raw)))

    def _raw(self, container_id: str) -> dict[str, Any]:
        """One container; empty if it has gone since it was listed."""
        try:
            raw: dict[str, Any] = self._call("inspect_container", container_id)
        except StackError:
            return {}
        return raw


def is_door(raw: Mapping[str, Any]) -> bool:
    """Whether a container is the stack's gateway, by its labels."""
    labels = raw["Config"].get("Labels") or {}
    return labels.get(_LABEL + "role") == "gateway" or _LABEL + "gateway" in labels


def door(raw: dict[str, Any]) -> Door:
    """The daemon's JSON of the gateway's container -> our words. Pure."""
    networks = (raw.get("NetworkSettings") or {}).get("Networks") or {}
    return Door(
        container=raw["Name"].lstrip("/"),
        project=_project(raw),
        state=raw["State"]["Status"],
        error=raw["State"].get("Error") or "",
        address=next((n["IPAddress"] for n in networks.values() if n.get("IPAddress")), ""),
        six=_has_six(raw),
        ports=inspect.service(raw).ports,
    )


def published(raw: dict[str, Any]) -> tuple[Published, ...]:
    """What a running container publishes, of TCP. Pure."""
    settings, six = raw.get("NetworkSettings") or {}, _has_six(raw)
    role = (raw["Config"].get("Labels") or {}).get(_LABEL + "role", "")
    found = {
        Port(binding.get("HostIp", ""), int(binding["HostPort"]), int(key.split("/")[0]))
        for key, bindings in (settings.get("Ports") or {}).items()
        for binding in bindings or ()
        if binding.get("HostPort") and not key.endswith("/udp")
    }
    return tuple(
        Published(raw["Name"].lstrip("/"), role, port, proxied=_six(port.address) and not six)
        for port in sorted(found, key=lambda port: (port.host, port.address))
    )


def _has_six(raw: Mapping[str, Any]) -> bool:
    networks = (raw.get("NetworkSettings") or {}).get("Networks") or {}
    return any(network.get("GlobalIPv6Address") for network in networks.values())


def _six(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).version == 6
    except ValueError:
        return False


def _project(raw: Mapping[str, Any]) -> str:
    labels: Mapping[str, str] = raw["Config"].get("Labels") or {}
    return labels.get("com.docker.compose.project", "")
