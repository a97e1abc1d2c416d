"""daemon.json: what Docker is told to be, at its next start."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from stackctl.model import Unavailable
from stackctl.model.host import ABSENT, Config
from stackctl.system.host import tree

PATH = "/etc/docker/daemon.json"
#: where snaps keep it: that Docker reads nothing below /etc
SNAP_ROOT = "/var/snap/docker"
SNAP_PATH = f"{SNAP_ROOT}/current/config/daemon.json"


def config(root: Path = tree.ROOT) -> Config | Unavailable:
    """The daemon's file. That there is none is fine."""
    path = SNAP_PATH if tree.there(root, SNAP_PATH) else PATH
    text = tree.text(root, path)
    if isinstance(text, Unavailable) and text.code != ABSENT:
        return text
    found = Config(path) if isinstance(text, Unavailable) else parse(text, path)
    return replace(found, flags=flags(root))


def flags(root: Path = tree.ROOT) -> tuple[str, ...] | None:
    """The command line of the daemon that runs: what it says must not be in the file as well."""
    pid = tree.word(root, "/run/docker.pid") or tree.word(root, "/var/run/docker.pid")
    line = tree.text(root, f"/proc/{pid}/cmdline") if pid.isdecimal() else ""
    if not isinstance(line, str) or "dockerd" not in line:
        return None
    return tuple(line.rstrip("\0").split("\0")[1:])


def parse(text: str, path: str = PATH) -> Config:
    """Its text -> its values. Pure."""
    if not text.strip():
        return Config(path, text)
    try:
        values = json.loads(text)
    except json.JSONDecodeError as error:
        return Config(path, text, error=f"line {error.lineno}: {error.msg}")
    if not isinstance(values, dict):
        return Config(path, text, error="it is no JSON object")
    return Config(path, text, values)
