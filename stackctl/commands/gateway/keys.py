"""`stackctl keys`: who may come in, and how much each may ask for."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from stackctl import settings
from stackctl.commands.gateway import apply, live
from stackctl.commands.gateway.apply import Place
from stackctl.gateway import keys as key_files
from stackctl.model import StackError
from stackctl.model.gateway import Former, Key
from stackctl.system import files, terminal


def add(name: str, limits: Mapping[str, Any], *, as_json: bool) -> int:
    """A key for somebody new; it is printed, and nowhere else."""
    if not key_files.NAME.fullmatch(name):
        raise StackError(
            f"{name!r} is no name for a key",
            fix="up to 32 letters, digits, '.', '_' and '-', the first a letter or a digit",
            exit_code=2,
        )
    with _keys("keys add") as book:
        if name in book.keys:
            raise StackError(
                f"there is a key named {name} already",
                fix=f"another name, or stackctl keys rotate {name}, or stackctl keys change {name}",
                exit_code=2,
            )
        book.check(limits)
        text, key = _made(Key(name, "", time.time(), **_fields(limits)))
        book.keys[name] = key
        now = book.save()
    _tell(key, now, text, as_json=as_json)
    return 0


def change(name: str, limits: Mapping[str, Any], *, as_json: bool) -> int:
    """Other limits for a key; those that are not named stay."""
    if not limits:
        raise StackError(
            "nothing is to be changed", fix=f"stackctl keys change {name} --rpm 60", exit_code=2
        )
    with _keys("keys change") as book:
        book.check(limits)
        key = book.keys[name] = replace(book.find(name), **_fields(limits))
        now = book.save()
    _tell(key, now, "", as_json=as_json)
    return 0


def rotate(name: str, *, keep: float, as_json: bool) -> int:
    """A new key for the same name; the one before is let in for `keep` seconds more."""
    with _keys("keys rotate") as book:
        old, now = book.find(name), time.time()
        if old.expires is not None and old.expires <= now:
            raise StackError(
                f"the key of {name} has expired",
                fix=f"stackctl keys change {name} --expires 90d, then rotate it",
            )
        former = (*old.former, Former(old.sha256, now + keep)) if keep else ()
        text, key = _made(replace(old, created=now, former=former))
        book.keys[name] = key
        taken = book.save()
    _tell(key, taken, text, as_json=as_json)
    return 0


def revoke(name: str, *, as_json: bool) -> int:
    """Nobody comes in with this key any longer; what it has begun goes on to its end."""
    with _keys("keys revoke") as book:
        book.find(name)
        del book.keys[name]
        now = book.save()
        if now:
            live.forget(book.place, name)
    if as_json:
        terminal.out(json.dumps({"name": name, "revoked": True}, indent=2))
    else:
        terminal.out(f"{name}: revoked" + ("" if now else "; the gateway does not run"))
    return 0


class _Book:
    """All keys, under their lock."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.keys = {key.name: key for key in apply.load_keys(place)}

    def find(self, name: str) -> Key:
        if name not in self.keys:
            known = ", ".join(sorted(self.keys)) or "none yet: stackctl keys add NAME"
            raise StackError(
                f"there is no key named {name}", fix=f"choose from: {known}", exit_code=2
            )
        return self.keys[name]

    def check(self, limits: Mapping[str, Any]) -> None:
        """Models that nobody serves would make a key that opens nothing."""
        known = live.models(self.place)
        for model in limits.get("models", ()):
            if not known:
                raise StackError(
                    "the gateway does not know yet which models there are",
                    fix="stackctl up, then again; or without --models",
                )
            if model not in known:
                raise StackError(
                    f"there is no model {model!r}",
                    fix=f"choose from: {', '.join(sorted(known))}",
                    exit_code=2,
                )

    def save(self) -> bool:
        """Write them, and give them to the gateway; False: it does not run."""
        now = time.time()
        rows = [
            replace(key, former=tuple(old for old in key.former if old.until > now))
            for key in self.keys.values()
        ]
        files.write_secret(self.place.keys, key_files.dump(rows))
        return live.give_keys(self.place)


@contextmanager
def _keys(verb: str) -> Iterator[_Book]:
    place = Place(settings.find_root())
    with files.lock(place.lock, verb, patience=apply.PATIENCE):
        yield _Book(place)


def _fields(limits: Mapping[str, Any]) -> dict[str, Any]:
    """As typed -> fields of a Key."""
    word = limits.get("priority")
    return {**limits, **({"priority": key_files.PRIORITIES[word]} if word else {})}


def _made(key: Key) -> tuple[str, Key]:
    """A new key, and what is kept of it."""
    text = key_files.PREFIX + secrets.token_urlsafe(32)
    return text, replace(key, sha256=key_files.digest(text))


def _tell(key: Key, now: bool, text: str, *, as_json: bool) -> None:
    """`text`: the key itself, told once. It is alone on stdout, for whoever pipes it on."""
    if as_json:
        told = {**key_files.told(key), "takes_effect": "now" if now else "stackctl up gateway"}
        terminal.out(json.dumps({**told, "key": text} if text else told, indent=2))
        return
    limits = ", ".join(key_files.words(key)) or "no limits"
    when = "it works now" if now else "it works from `stackctl up gateway` on"
    if not text:
        terminal.out(f"{key.name}: {limits}; {when}")
        return
    terminal.err(f"{key.name}: {limits}; {when}. The key is shown this once, keep it:")
    terminal.out(text)
