"""Whom to talk to: a role that runs here, or any OpenAI-compatible API."""

from __future__ import annotations

import platform
import re
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from stackctl import settings
from stackctl.chat.listed import listed
from stackctl.chat.trouble import Asked, explain
from stackctl.model import StackError
from stackctl.system.answer_stream import Failed, events
from stackctl.system.exchange import Door

_LISTING = 10.0  # seconds
_ROLE = re.compile(r"[a-z0-9][a-z0-9_-]*")
_FROM_AFAR = "stackctl chat --url https://HOST:8443 --key-env NAME [--ca FILE] [--model MODEL]"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user typed. `words`: the role, where one is named, and the question."""

    words: tuple[str, ...]
    url: str = ""
    model: str = ""
    key_env: str = ""
    ca: str = ""
    through: str = "engine"
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Partner:
    """`words` are those of the question alone."""

    door: Door
    model: str
    words: tuple[str, ...]
    role: str = ""
    context: int | None = None  # tokens

    def asked(self, model: str, *, tools: bool = False) -> Asked:
        return Asked(self.door.url, model, self.role, tools=tools)


def partner(wanted: Wanted) -> Partner:
    """StackError where there is nobody to talk to."""
    return _stranger(wanted) if wanted.url else _role(wanted)


def models(door: Door) -> dict[str, int | None]:
    """Each model that the server offers, with its context window. Failed."""
    with closing(events(door, "/v1/models", silence=_LISTING)) as answer:
        return listed(next(answer, None))


def _role(wanted: Wanted) -> Partner:
    if platform.system() != "Linux":
        raise StackError(
            "roles are those of the box, and this machine is none", fix=_FROM_AFAR, exit_code=2
        )
    if wanted.ca:
        raise StackError("--ca goes with --url", fix=_FROM_AFAR, exit_code=2)
    # here, as clients' machines have neither Docker nor the driver
    from stackctl.commands.prove import targets

    named, words = _split(wanted.words)
    asked = targets.Asked(named, wanted.project, wanted.through, wanted.key_env)
    chosen = targets.targets(asked)[0]
    return Partner(chosen.door, wanted.model or chosen.model, words, chosen.name, chosen.context)


def _split(words: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The role and the question: a first word that could be a role is one."""
    named = bool(words) and _ROLE.fullmatch(words[0]) is not None
    return (words[:1], words[1:]) if named else ((), words)


def _stranger(wanted: Wanted) -> Partner:
    door = Door(_url(wanted.url), _key(wanted.key_env), _ca(wanted.ca))
    if wanted.model:
        return Partner(door, wanted.model, wanted.words)
    try:
        there = models(door)
    except Failed as failed:
        raise explain(failed.reply, Asked(door.url, "")) from None
    if len(there) != 1:
        known = ", ".join(list(there)[:20]) or "those that its owner knows"
        raise StackError(
            f"{door.url} offers {len(there)} models", fix=f"--model: {known}", exit_code=2
        )
    ((name, context),) = there.items()
    return Partner(door, name, wanted.words, context=context)


def _url(text: str) -> str:
    url = text.strip().rstrip("/").removesuffix("/v1").rstrip("/")
    try:
        parts = urlsplit(url)
        good = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and parts.path.isascii()
            and not (parts.query or parts.fragment)
            and url.isprintable()
            and " " not in url
        )
    except ValueError:
        good = False
    if not good or "@" in url:  # not shown: there may be a password in it
        raise StackError("--url is no URL of an API", fix="https://HOST:PORT", exit_code=2)
    return url


def _key(name: str) -> str:
    key = settings.variable(name).strip() if name else ""
    if name and not key:
        raise StackError(
            f"the environment has no {name}", fix=f"put the key into {name}", exit_code=2
        )
    if not (key.isascii() and key.isprintable()) and key:
        raise StackError(
            f"{name} holds no key: there are characters in it that no key has",
            fix="copy it again",
            exit_code=2,
        )
    return key


def _ca(name: str) -> str:
    if name and not Path(name).is_file():
        raise StackError(f"--ca {name}: no such file", fix="the box's ca.pem", exit_code=2)
    return name
