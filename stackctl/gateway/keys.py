"""Keys: made, kept as sha256, and given to HAProxy as maps."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from stackctl.model import StackError
from stackctl.model.gateway import Files, Former, Key

#: a name is part of map files, of the log and of metrics
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
PREFIX = "sk-stack-"
PRIORITIES = {"high": -100, "normal": 0, "low": 100}
#: maps that hold keys, in the order in which they change: what a key may use before the key itself
MAPS = ("allow.map", "keys.map")
#: what haproxy.cfg reads as no limit
_NEVER, _ENDLESS = 9999999999, 1000000000


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
    except (ValueError, KeyError, TypeError, AttributeError):
        raise StackError(
            f"{where}: cannot be read as a list of keys",
            fix="put its last good copy back, or move it away and add the keys anew: "
            "stackctl keys add NAME",
        ) from None


def _key(row: dict[str, Any]) -> Key:
    former = tuple(Former(**each) for each in row.get("former") or ())
    key = Key(**{**row, "models": tuple(row.get("models") or ()), "former": former})
    digests = (key.sha256, *(old.sha256 for old in former))
    numbers = (key.rpm, key.concurrent, key.expires, key.priority, *(old.until for old in former))
    # HAProxy would take what is no number for no limit
    if not (
        NAME.fullmatch(key.name)
        and all(_DIGEST.fullmatch(each) for each in digests)
        and all(each is None or isinstance(each, int | float) for each in numbers)
    ):
        raise ValueError
    return key


def maps(keys: Sequence[Key], models: Mapping[str, str]) -> Files:
    """The maps that haproxy.cfg looks keys up in. `models`: every name of a model -> its backend.

    A key whose models are not here may use none.
    """
    rows: dict[str, list[str]] = {name: [] for name in MAPS}
    for key in sorted(keys, key=lambda k: k.name):
        rows["keys.map"].append(_row(key, key.sha256, key.expires))
        for old in key.former:
            until = old.until if key.expires is None else min(old.until, key.expires)
            rows["keys.map"].append(_row(key, old.sha256, until))
        granted = dict.fromkeys(models[name] for name in key.models if name in models)
        rows["allow.map"] += [f"{key.name}/{backend} 1" for backend in granted]
    return {name: "".join(f"{line}\n" for line in lines) for name, lines in rows.items()}


def _row(key: Key, sha256: str, expires: float | None) -> str:
    fields = (
        key.name,
        _NEVER if expires is None else int(expires),
        _ENDLESS if key.rpm is None else key.rpm,
        _ENDLESS if key.concurrent is None else key.concurrent,
        key.priority,
        "some" if key.models else "all",
    )
    return f"{sha256} {':'.join(map(str, fields))}"


def models(text: str) -> dict[str, str]:
    """models.map -> every name by which a key may name a model, and its backend."""
    pairs = [line.split() for line in text.splitlines()]
    return {backend: backend for _, backend in pairs} | dict(pairs)


def words(key: Key) -> list[str]:
    """Its limits as one reads them; when it expires is not among them."""
    said = [f"{key.rpm}/min"] if key.rpm is not None else []
    said += [f"{key.concurrent} at once"] if key.concurrent is not None else []
    said += [_priority(key)] if key.priority else []
    return said + ([f"only {' '.join(key.models)}"] if key.models else [])


def told(key: Key) -> dict[str, Any]:
    """For programs: all but what would let somebody in."""
    fields = asdict(key)
    del fields["sha256"]
    former = [old.until for old in key.former]
    return {**fields, "priority": _priority(key), "former": former}


def _priority(key: Key) -> str:
    names = {number: word for word, number in PRIORITIES.items()}
    return names.get(key.priority, str(key.priority))
