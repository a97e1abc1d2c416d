"""CDI files of NVIDIA GPUs, and the toolkit that writes them."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stackctl.model import CDI_KIND, StackError, Unavailable
from stackctl.model.host import ABSENT, CdiSpec, Toolkit
from stackctl.system import process
from stackctl.system.host import tree

#: in the order of the engine: what a later one says wins
FOLDERS = ("/etc/cdi", "/var/run/cdi")
_KIND = CDI_KIND.rstrip("=")
#: libcuda.so.580.95.05, nvidia/580.95.05/gsp_ga10x.bin
_VERSION = re.compile(r"(?:\.so\.|/nvidia/)(\d{3,}\.\d+(?:\.\d+)?)(?:$|/)")
_UNITS = ("/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system")
_CTK_VERSION = re.compile(r"version (\d+(?:\.\d+)+)")


def specs(root: Path = tree.ROOT) -> tuple[CdiSpec | Unavailable, ...]:
    """Every file for NVIDIA GPUs. One that cannot be read, the engine cannot use either."""
    found: list[CdiSpec | Unavailable] = []
    for rank, folder in enumerate(FOLDERS):
        for entry in tree.entries(root, folder):
            if entry.suffix in (".yaml", ".yml", ".json"):
                path = f"{folder}/{entry.name}"
                one = _spec(root, path, rank)
                found += [one] if one is not None else []
    return tuple(found)


def _spec(root: Path, path: str, rank: int) -> CdiSpec | Unavailable | None:
    written = tree.text(root, path)
    if isinstance(written, Unavailable):
        return None if written.code == ABSENT else written
    try:
        raw = parse(written)
    except StackError as error:
        # a broken file of another vendor is not ours to judge
        return Unavailable(f"{path}: {error.message}") if "nvidia" in written + path else None
    if raw.get("kind") != _KIND:
        return None
    try:
        return read(raw, path, rank, root)
    except (TypeError, ValueError, AttributeError, KeyError):
        return Unavailable(f"{path}: it does not have the form of a CDI file")


def parse(written: str) -> Mapping[str, Any]:
    """YAML, of which JSON is a part. A big file takes the slow parser a second."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        raw = yaml.load(written, Loader=loader)  # noqa: S506 - both are safe loaders
    except yaml.YAMLError as error:
        raise StackError(f"no YAML: {str(error).splitlines()[0]}") from None
    if not isinstance(raw, dict):
        raise StackError("it is empty" if raw is None else "it is no mapping")
    return raw


def read(raw: Mapping[str, Any], path: str, rank: int, root: Path) -> CdiSpec:
    """The form of a CDI file -> what can go stale in it."""
    edits = [raw.get("containerEdits") or {}]
    edits += [device.get("containerEdits") or {} for device in raw.get("devices") or ()]
    named = dict.fromkeys(_host_paths(edits))
    nodes = [node for edit in edits for node in edit.get("deviceNodes") or ()]
    majors = {str(n["path"]): int(n["major"]) for n in nodes if n.get("major")}
    versions = {m[1] for name in named if (m := _VERSION.search(name))}
    missing = tuple(n for n in named if n.startswith("/") and not tree.there(root, n))
    return CdiSpec(
        path=path,
        devices=tuple(str(device["name"]) for device in raw.get("devices") or ()),
        versions=tuple(sorted(versions)),
        missing=missing,
        majors=majors,
        rank=rank,
        nodes=tuple(dict.fromkeys(str(node["path"]) for node in nodes)),
    )


def _host_paths(edits: list[Mapping[str, Any]]) -> Iterator[str]:
    """Files and devices of the host that a container is to get. A device of which the numbers are
    written needs no node on the host."""
    for edit in edits:
        for mount in edit.get("mounts") or ():
            yield str(mount["hostPath"])
        for node in edit.get("deviceNodes") or ():
            if not node.get("major"):
                yield str(node.get("hostPath") or node["path"])
        for hook in edit.get("hooks") or ():
            yield str(hook["path"])


def toolkit(root: Path = tree.ROOT) -> Toolkit:
    """nvidia-ctk and the units that come with it and with the driver."""
    # a service's PATH may lack sbin; only the real root has programs that can be run
    ctk = (shutil.which("nvidia-ctk") or "") if root == tree.ROOT else ""
    version = ""
    if ctk:
        try:
            match = _CTK_VERSION.search(process.run([ctk, "--version"], timeout=5).out)
        except (StackError, OSError):
            match = None
        version = match[1] if match else ""
    return Toolkit(
        ctk=ctk,
        version=version,
        refreshes=_unit(root, "nvidia-cdi-refresh.service"),
        persistenced=_unit(root, "nvidia-persistenced.service"),
    )


def _unit(root: Path, name: str) -> bool:
    """Whether systemd runs here and has a unit of that name that nobody masked."""
    if not tree.there(root, "/run/systemd/system"):
        return False
    masked = tree.below(root, f"/etc/systemd/system/{name}")
    if masked.is_symlink() and str(masked.readlink()) == os.devnull:
        return False
    return any(tree.there(root, f"{folder}/{name}") for folder in _UNITS)
