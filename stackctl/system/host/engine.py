"""The Docker daemon, asked for everything that the doctor wants of it, each question once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from stackctl.model import MIB, Daemon, StackError, Unavailable
from stackctl.model.host import Bridge, Devices, Engine, Guest
from stackctl.system import inspect
from stackctl.system.docker import Docker
from stackctl.system.host import scopes, tree


class HostDocker(Docker):
    """The daemon for the doctor."""

    def engine(self, devices: Devices, root: Path = tree.ROOT) -> Engine | Unavailable:
        """The daemon, its running containers and its networks."""
        try:
            with ThreadPoolExecutor(3) as pool:
                networks = pool.submit(self._call, "networks")
                listed = pool.submit(self._call, "containers")
                info = self._call("info")
            with ThreadPoolExecutor(8) as pool:
                raws = list(pool.map(self._raw, (row["Id"] for row in listed.result())))
            raws = [raw for raw in raws if raw]
            local = self._built_here(raws)
        except StackError as error:
            return Unavailable(error.message, error.fix)
        daemon = _daemon(info)
        return Engine(
            daemon=daemon,
            root=info.get("DockerRootDir", ""),
            guests=tuple(
                guest(raw, daemon, devices, raw.get("Image", "") in local, root) for raw in raws
            ),
            bridges=tuple(b for raw in networks.result() if (b := bridge(raw))),
        )

    def _raw(self, container_id: str) -> dict[str, Any]:
        """One container; empty if it has gone since it was listed."""
        try:
            raw: dict[str, Any] = self._call("inspect_container", container_id)
        except StackError:
            return {}
        return raw if raw.get("State", {}).get("Running") else {}

    def _built_here(self, raws: list[dict[str, Any]]) -> set[str]:
        """Ids of images that no registry has, so that no pull can change them."""
        if not raws:
            return set()
        pulled = {row["Id"] for row in self._call("images") if row.get("RepoDigests")}
        return {raw["Image"] for raw in raws if raw.get("Image")} - pulled


def _daemon(info: Mapping[str, Any]) -> Daemon:
    return Daemon(
        version=info.get("ServerVersion", ""),
        cdi_devices=tuple(
            device["ID"]
            for device in info.get("DiscoveredDevices") or ()
            if device.get("Source") == "cdi"
        ),
        runtimes=tuple(info.get("Runtimes") or ()),
        cgroup_driver=info.get("CgroupDriver", ""),
    )


def guest(
    raw: dict[str, Any], daemon: Daemon, devices: Devices, built_here: bool, root: Path
) -> Guest:
    """The daemon's JSON of one container -> what the host's health depends on."""
    host = raw["HostConfig"]
    service = inspect.service(raw)
    systemd = daemon.cgroup_driver == "systemd"
    return Guest(
        service=service,
        container=inspect.container(raw, service.port),
        privileged=bool(host.get("Privileged")),
        log_driver=inspect.log_driver(host),
        log_bounded=inspect.log_bounded(host),
        log_mib=_size(tree.below(root, raw["LogPath"])) if raw.get("LogPath") else None,
        shm_mib=int(host.get("ShmSize") or 0) // MIB,
        own_shm=host.get("IpcMode", "") != "host",
        built_here=built_here,
        rules=scopes.rules(raw["Id"], devices.majors, devices.nodes, root)
        if systemd
        else Unavailable("systemd does not manage it"),
    )


def bridge(raw: Mapping[str, Any]) -> Bridge | None:
    """A network with an interface of its own on the host; None for those of other kinds."""
    if raw.get("Driver") != "bridge":
        return None
    options = raw.get("Options") or {}
    return Bridge(
        name=raw["Name"],
        interface=options.get("com.docker.network.bridge.name") or f"br-{raw['Id'][:12]}",
        subnets=tuple(
            part["Subnet"]
            for part in (raw.get("IPAM") or {}).get("Config") or ()
            if part.get("Subnet")
        ),
    )


def _size(path: Path) -> int | None:
    try:
        return os.stat(path).st_size // MIB
    except OSError:
        return None
