"""Keys: made, kept as sha256, and given to HAProxy as maps."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from stackctl.model import StackError
from stackctl.model.gateway import Backend, Files, Key

#: a name is part of map files, of the log and of metrics
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
PREFIX = "sk-stack-"
PRIORITIES = {"high": -100, "normal": 0, "low": 100}
#: maps that hold keys, in the order in which a key becomes weaker when they are read one by one
MAPS = ("expires.map", "rpm.map", "conc.map", "prio.map", "allow.map", "limited.map", "keys.map")


def digest(key: str) -> str:
    """What is kept of a key. It has 256 random bits, so nothing slower is needed."""
    return hashlib.sha256(key.encode()).hexdigest()


def dump(keys: Iterable[Key]) -> str:
    rows = [asdict(key) for key in sorted(keys, key=lambda k: k.name)]
    return json.dumps({"version": 1, "keys": rows}, indent=2) + "\n"


def load(text: str, where: str) -> tuple[Key, ...]:
    """The keys of keys.json; a damaged file is an error, as it would lock everybody out."""
    try:
        rows = json.loads(text)["keys"]
        return tuple(_key(row) for row in rows)
    except (ValueError, KeyError, TypeError):
        raise StackError(
            f"{where}: cannot be read as a list of keys",
            fix="put its last good copy back, or move it away and add the keys anew: "
            "stackctl keys add NAME",
        ) from None


def _key(row: dict[str, Any]) -> Key:
    return Key(**{**row, "models": tuple(row.get("models") or ())})


def maps(keys: Sequence[Key], backends: Sequence[Backend]) -> Files:
    """The maps that haproxy.cfg looks keys up in. Keys of models that are not here may use none."""
    rows: dict[str, list[str]] = {name: [] for name in MAPS}
    for key in sorted(keys, key=lambda k: k.name):
        rows["keys.map"].append(f"{key.sha256} {key.name}")
        if key.rpm is not None:
            rows["rpm.map"].append(f"{key.name} {key.rpm}")
        if key.concurrent is not None:
            rows["conc.map"].append(f"{key.name} {key.concurrent}")
        if key.priority:
            rows["prio.map"].append(f"{key.name} {key.priority}")
        if key.expires is not None:
            rows["expires.map"].append(f"{key.name} {int(key.expires)}")
        if key.models:
            rows["limited.map"].append(f"{key.name} 1")
            rows["allow.map"] += [f"{key.name}/{name} 1" for name in _granted(key, backends)]
    return {name: "".join(f"{line}\n" for line in lines) for name, lines in rows.items()}


def _granted(key: Key, backends: Sequence[Backend]) -> list[str]:
    wanted = set(key.models)
    return [b.name for b in backends if wanted & {b.model, b.name, *b.aliases}]
