"""A service as the rules see it, whether it stands in a compose file or in a `docker run`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from stackctl.lint.command import Invocation
from stackctl.lint.issue import Edits, Span
from stackctl.lint.tables import models
from stackctl.lint.tree import Tree

#: GpuRequest.count of "all"
ALL = -1


@dataclass(frozen=True, slots=True)
class Value:
    """A text, where it stands, and whether it may be edited there."""

    text: str
    span: Span
    own: bool = True


@dataclass(frozen=True, slots=True)
class Published:
    """A published port; `address` is "" where none is written."""

    address: str
    host: str
    container: str
    value: Value


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs that a container is given. `count` is -1 for all, 0 where `ids` name them.

    `bare` are ids of a `--gpus` whose commas Docker takes for its own.
    """

    ids: tuple[str, ...] = ()
    count: int = 0
    span: Span | None = None
    bare: bool = False

    @property
    def given(self) -> bool:
        return bool(self.ids or self.count)

    @property
    def number(self) -> int:
        """How many; 0 when that is not known."""
        return len(self.ids) or max(self.count, 0)


@dataclass(frozen=True, slots=True)
class Health:
    """`words` of the health check's command; `off` when it is switched off on purpose."""

    words: tuple[str, ...]
    value: Value
    off: bool = False


class Editor(Protocol):
    """Writes a change the way the service is written. None: it cannot be done without a person."""

    def remove_env(self, name: str) -> Edits | None: ...
    def set_env(self, name: str, value: str) -> Edits | None: ...
    def remove_key(self, key: str) -> Edits | None: ...
    def set_key(self, key: str, value: Any) -> Edits | None: ...
    def set_gpus(self, ids: tuple[str, ...]) -> Edits | None: ...
    def replace(self, value: Value, text: str) -> Edits | None: ...


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that a rule may look at."""

    name: str
    kind: str  # compose, docker, process
    span: Span
    editor: Editor
    image: Value | None = None
    built: bool = False
    engine: str = ""
    env: Mapping[str, Value] = field(default_factory=dict)
    invocation: Invocation | None = None
    unreadable: str = ""
    command_span: Span | None = None
    gpus: Gpus = Gpus()
    devices: tuple[Tree, ...] = ()
    runtime: Value | None = None
    privileged: Value | None = None
    shm_mib: int = 0  # 0: Docker's default of 64 MB
    ipc: str = ""
    ports: tuple[Published, ...] = ()
    host_network: bool = False
    mounts: tuple[str, ...] = ()
    health: Health | None = None
    log_driver: str = ""
    log_options: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    profiles: frozenset[str] = frozenset()
    passing: bool = False  # --rm: nobody looks after it

    @property
    def container(self) -> bool:
        return self.kind != "process"

    @property
    def model_names(self) -> list[str]:
        """All that may tell the model: flags, the first argument, labels."""
        names = [self.labels.get("stackctl.model", "")]
        if self.invocation:
            names += [self.invocation.value("model"), self.invocation.value("served name")]
            names += self.invocation.positional[:1]
        return [name for name in names if name]

    @property
    def family(self) -> models.Family | None:
        return models.family(self.model_names)

    def flag_number(self, concept: str) -> int | None:
        """The whole number that a flag gives; None when it gives none, or a variable."""
        return number(self.invocation.value(concept)) if self.invocation else None


def number(text: str) -> int | None:
    """`131072`, and `128k` as vLLM has it (k is 1000, K is 1024)."""
    match = re.fullmatch(r"(\d{1,12})([kKmM]?)", text.strip())
    if not match:
        return None
    return int(match[1]) * {"": 1, "k": 1000, "K": 1024, "m": 10**6, "M": 2**20}[match[2]]


def mebibytes(text: str) -> int:
    """Compose's byte values (`8g`, `16gb`, `1073741824`) in MiB; 0 when unreadable."""
    match = re.fullmatch(r"(\d{1,15})(?:\.\d+)?\s*([bkmgt]?)(?:i?b)?", text.strip().lower())
    if not match:
        return 0
    return (
        int(match[1])
        * {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}[match[2]]
        // 2**20
    )
