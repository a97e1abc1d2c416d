"""What a full check remembers between two runs: `.stackctl/full.json`, small, and never needed.

A file that was read in part goes on where it was, if its stat is still the same. A round is one
full check of the same models; a later run of it leaves out what was done since it began.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stackctl.commands.models.shelf import now
from stackctl.model import LockedFile, Stamp
from stackctl.models.state import State
from stackctl.system.durable import replace_file
from stackctl.system.store import Store

#: a check that nobody took up again for so long is given up
_STALE = 14 * 86400


__all__ = ["Memory", "Part", "Round", "load", "now", "numbers"]


@dataclass
class Part:
    """A file of which ranges up to `next` were read; `states` after each, where no chain is known.
    `plain` if its chain is not to be used."""

    hash: str
    stamp: tuple[int, int, int, int]
    begun: str
    next: int
    states: list[str] = field(default_factory=list)
    plain: bool = False


@dataclass
class Round:
    """When it began, and which files it found wrong: path -> when."""

    began: str
    wrong: dict[str, str] = field(default_factory=dict)

    def has(self, file: LockedFile, state: State) -> bool:
        """Whether a file was hashed since the round began."""
        if state is State.GOOD:
            return _at(file.verified) > _at(self.began)
        return state is State.BAD and file.path in self.wrong


@dataclass
class Memory:
    path: Path
    rounds: dict[str, Round] = field(default_factory=dict)
    parts: dict[str, Part] = field(default_factory=dict)

    def part(self, file: LockedFile, stamp: Stamp | None, within: Round | None) -> Part | None:
        """What was read of a file in a round, if it is still the same."""
        part = self.parts.get(file.path)
        if part is None or stamp is None or part.hash != file.digest.hex:
            return None
        if within and part.begun < within.began:
            return None
        return part if part.stamp == numbers(stamp) else None

    def save(self) -> None:
        """Worth having, so what cannot be written is left out."""
        with suppress(OSError):
            if not (self.rounds or self.parts):
                self.path.unlink(missing_ok=True)
                return
            data = {
                "at": time.time(),
                "rounds": {key: asdict(one) for key, one in self.rounds.items()},
                "parts": {path: asdict(part) for path, part in self.parts.items()},
            }
            text = json.dumps(data, indent=1).encode()
            replace_file(self.path, text, self.path.with_name(".full.json.new"))


def load(store: Store) -> Memory:
    memory = Memory(store.state / "full.json")
    try:
        data: Any = json.loads(memory.path.read_bytes())
        if time.time() - float(data["at"]) < _STALE:
            memory.rounds = {key: Round(**one) for key, one in data["rounds"].items()}
            for path, part in data["parts"].items():
                memory.parts[path] = Part(**{**part, "stamp": tuple(part["stamp"])})
                bytes.fromhex("".join(memory.parts[path].states))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Memory(memory.path)
    return memory


def numbers(stamp: Stamp) -> tuple[int, int, int, int]:
    return stamp.size, stamp.mtime_ns, stamp.ctime_ns, stamp.inode


def _at(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
