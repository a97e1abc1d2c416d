"""The gateway: who may come in, and what is behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Former:
    """The digest of a key that was replaced, and until when (epoch) it is still let in."""

    sha256: str
    until: float


@dataclass(frozen=True, slots=True)
class Key:
    """One client's key. The key itself is nowhere: `sha256` is its hex digest. Times are epochs.

    `rpm`: requests per minute, `concurrent`: requests at once; None is no limit. `models`: those it
    may use, by model, alias or role; empty is all. `priority`: HAProxy's class in the engines'
    queues, the lower the sooner. `former`: what it was before `keys rotate --keep`.
    """

    name: str
    sha256: str
    created: float
    rpm: int | None = None
    concurrent: int | None = None
    models: tuple[str, ...] = ()
    priority: int = 0
    expires: float | None = None
    former: tuple[Former, ...] = ()


@dataclass(frozen=True, slots=True)
class Server:
    """One service that answers for a backend. `address` is HOST:PORT as the gateway sees it.

    Of an `emulated` one it is that of the emulation, which is told the name in a header.
    """

    name: str
    address: str
    slots: int
    emulated: bool = False


@dataclass(frozen=True, slots=True)
class Backend:
    """One model, and the services that serve it: replicas of one another where they are several."""

    name: str
    model: str  # empty where clients do not name one: ComfyUI
    servers: tuple[Server, ...]
    aliases: tuple[str, ...] = ()
    ready_path: str = "/health"
    queue: int = 64
    api: str = "text"
    context: int | None = None  # tokens


@dataclass(frozen=True, slots=True)
class Usage:
    """What came of one key since the gateway started; `bad`: answers 4xx, `failed`: 5xx."""

    requests: int = 0
    bad: int = 0
    failed: int = 0
    running: int = 0
    bytes_out: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


#: name of a rendered file -> its text
Files = Mapping[str, str]
